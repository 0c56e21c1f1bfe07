package cli

import (
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob/s3"
)

// setting is one thing about the server that may be configured. Its key in the
// file, its flag and its variable are the same words: data_dir, --data-dir,
// ATELIER_DATA_DIR.
type setting struct {
	key      string
	fallback string
	help     string
	check    func(value string) string // what is allowed, or "" when value is
	secret   bool                      // may hold a password
}

func (s setting) flag() string     { return strings.ReplaceAll(s.key, "_", "-") }
func (s setting) variable() string { return "ATELIER_" + strings.ToUpper(s.key) }

func (s setting) shownDefault() string {
	switch s.key {
	case "database":
		return "SQLite in the data folder"
	case "storage":
		return "a folder in the data folder"
	case "vault_key_provider":
		return "a file in the data folder"
	case "allowed_hosts", "otlp_endpoint", "oidc_issuer", "oidc_client_id", "oidc_client_secret_file":
		return "none"
	case "public_url":
		return "where it listens"
	case "gpus":
		return "as many as are found"
	}
	return s.fallback
}

// settings lists everything that can be configured, in the order of the help.
func settings() []setting {
	return []setting{
		{key: "host", fallback: "127.0.0.1", help: "address to listen on; 0.0.0.0 for all", check: nonEmpty},
		{key: "port", fallback: "8700", help: "port to listen on; 0 for a free one", check: isPort},
		{key: "data_dir", fallback: "atelier-data", help: "folder that keeps everything", check: nonEmpty},
		{key: "database", help: "postgres://... to use PostgreSQL", check: isDatabase, secret: true},
		{key: "storage", help: "s3://BUCKET/PREFIX?endpoint=URL&region=NAME to keep files in S3", check: isStorage, secret: true},
		{key: "allowed_hosts", help: "further names by which the server may be addressed, separated by commas", check: anything},
		{key: "public_url", help: "https://HOST by which people reach the server, when a proxy stands before it", check: isHTTP},
		{key: "oidc_issuer", help: "https://HOST/PATH of the identity provider (OpenID Connect) with which people sign in", check: isIssuer},
		{key: "oidc_client_id", help: "as what the identity provider knows this server", check: anything},
		{key: "oidc_client_secret_file", help: "file with the secret for that; or ATELIER_OIDC_CLIENT_SECRET in the environment", check: anything},
		{key: "oidc_scopes", fallback: "profile email", help: "what to ask the identity provider for", check: anything},
		{key: "oidc_groups_claim", fallback: "groups", help: "the claim that lists a person's groups", check: nonEmpty},
		{key: "oidc_sign_up", fallback: "on", help: "on to make whoever signs in a user without a role; off to let in only whom an owner added by mail address", check: oneOf("on", "off")},
		{key: "gpus", help: "how many GPUs jobs may be given; 0 for none", check: isCount},
		{key: "vault_key_provider", help: "https://HOST:PORT/MOUNT/PATH to keep the vault's key in OpenBao or HashiCorp Vault; the token is BAO_TOKEN or VAULT_TOKEN", check: isAddress},
		{key: "keep_environments", fallback: "30d", help: "how long a built environment stays that nobody uses, as in 30d; 0 for ever", check: isAge},
		{key: "keep_audit", fallback: "0", help: "how long entries of the audit log stay, as in 400d; 0 for ever", check: isAge},
		{key: "max_scoring_bytes", fallback: "10485760", help: "how large the body of a scoring request may be", check: isBytes},
		{key: "access_log", fallback: "off", help: "on to write a line for every scoring request", check: oneOf("on", "off")},
		{key: "otlp_endpoint", help: "http://HOST:4318 to send traces of scoring requests to an OpenTelemetry collector", check: isHTTP},
		{key: "log_level", fallback: "info", help: "debug, info, warn or error", check: oneOf("debug", "info", "warn", "error")},
		{key: "log_format", fallback: "text", help: "text or json", check: oneOf("text", "json")},
	}
}

func anything(string) string { return "" }

func nonEmpty(value string) string {
	if value == "" {
		return "It must not be empty."
	}
	return ""
}

func isPort(value string) string {
	if n, err := strconv.Atoi(value); err != nil || n < 0 || n > 65535 {
		return "Use a number from 0 to 65535."
	}
	return ""
}

func isCount(value string) string {
	if n, err := strconv.Atoi(value); value == "" || err == nil && n >= 0 && n <= 1024 {
		return ""
	}
	return "Use a number from 0 to 1024, or leave it out to have them counted."
}

// maxScoringBytes is what a server can be asked to hold of one request.
const maxScoringBytes = 256 << 20

func isBytes(value string) string {
	if n, err := strconv.Atoi(value); err == nil && n >= 1 && n <= maxScoringBytes {
		return ""
	}
	return "Use a number from 1 to " + strconv.Itoa(maxScoringBytes) + "."
}

func isHTTP(value string) string {
	if target, err := url.Parse(value); value == "" || err == nil && target.Host != "" && (target.Scheme == "http" || target.Scheme == "https") {
		return ""
	}
	return "Use http://HOST:PORT or https://HOST:PORT, or leave it out."
}

// isIssuer allows plain http for a provider on this machine only.
func isIssuer(value string) string {
	target, err := url.Parse(value)
	if value == "" || err == nil && target.Host != "" && target.RawQuery == "" && target.Fragment == "" &&
		(target.Scheme == "https" || target.Scheme == "http" && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, target.Hostname())) {
		return ""
	}
	return "Use https://HOST/PATH, as the provider writes it in its tokens, or leave it out."
}

func isAge(value string) string {
	if _, err := readAge("", value); err != nil {
		return "Write it like 30d or 12h, or 0 for ever."
	}
	return ""
}

func isAddress(value string) string {
	if value == "" || strings.HasPrefix(value, "https://") || strings.HasPrefix(value, "http://") {
		return ""
	}
	return "Use https://HOST:PORT/MOUNT/PATH, or leave it out for a file."
}

func isDatabase(value string) string {
	if value == "" || strings.HasPrefix(value, "postgres://") || strings.HasPrefix(value, "postgresql://") {
		return ""
	}
	return "Use postgres://USER:PASSWORD@HOST/NAME, or leave it out for SQLite."
}

func isStorage(value string) string {
	if value == "" {
		return ""
	}
	_, err := s3.ParseAddress(value)
	if err == nil {
		return ""
	}
	said := atelier.Public(err)
	return said.Message + " " + said.Hint
}

func oneOf(allowed ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(allowed, value) {
			return ""
		}
		return "Use " + strings.Join(allowed, ", ") + "."
	}
}

// resolvedSetting is a setting with its value and where that came from.
type resolvedSetting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// configName is the file that is read when nobody names one.
const configName = "atelier.yml"

// resolve decides every setting: flag, else environment, else file, else default.
func (st *State) resolve(file string, flag func(name string) (string, bool)) (map[string]resolvedSetting, error) {
	path, lines, err := st.readSettings(file)
	if err != nil {
		return nil, err
	}
	resolved := map[string]resolvedSetting{}
	for _, s := range settings() {
		r := resolvedSetting{Key: s.key, Value: s.fallback, Source: "default"}
		if line, ok := lines[s.key]; ok {
			r.Value, r.Source = line.Value, path+":"+strconv.Itoa(line.Line)
		}
		if value := st.Env[s.variable()]; value != "" {
			r.Value, r.Source = value, s.variable()
		}
		if value, given := flag(s.flag()); given {
			r.Value, r.Source = value, "--"+s.flag()
		}
		if allowed := s.check(r.Value); allowed != "" {
			return nil, s.refusal(r.Value).At(r.Source).WithHint("%s", allowed)
		}
		resolved[s.key] = r
	}
	return resolved, nil
}

// refusal says that value will not do, without repeating what may be secret.
func (s setting) refusal(value string) *atelier.Error {
	if s.secret {
		return atelier.Errorf(atelier.Invalid, "The value of %s cannot be used.", s.key)
	}
	return atelier.Errorf(atelier.Invalid, "%q is not a value of %s.", atelier.Clip(value, 60), s.key)
}

// readSettings reads the configuration file: its path as people know it, and
// its values by key. Keys that are no setting are refused, so that a typing
// error never passes for a default.
func (st *State) readSettings(file string) (string, map[string]*yaml.Node, error) {
	path := first(file, st.Env["ATELIER_CONFIG"], configName)
	text, err := st.readFile(path)
	if errors.Is(err, fs.ErrNotExist) && path == configName {
		return path, nil, nil
	}
	if err != nil {
		return path, nil, atelier.Errorf(atelier.Invalid, "The configuration file %s cannot be read: %w.", path, withoutPath(err)).At("--config")
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return path, nil, atelier.Errorf(atelier.Invalid, "%s is not YAML: %w.", path, err)
	}
	lines := map[string]*yaml.Node{}
	if len(document.Content) == 0 {
		return path, lines, nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return path, nil, atelier.Errorf(atelier.Invalid, "The configuration is not a list of settings.").
			At(path + ":" + strconv.Itoa(root.Line)).WithHint("Write one `key: value` on each line.")
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if err := checkSetting(path, key, value); err != nil {
			return path, nil, err
		}
		lines[key.Value] = value
	}
	return path, lines, nil
}

func checkSetting(path string, key, value *yaml.Node) error {
	known := map[string]bool{}
	for _, s := range settings() {
		known[s.key] = true
	}
	at := path + ":" + strconv.Itoa(key.Line)
	if !known[key.Value] {
		return atelier.Errorf(atelier.Invalid, "There is no setting %q.", atelier.Clip(key.Value, 60)).At(at).
			WithHint("The settings are: %s.", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	if value.Kind != yaml.ScalarNode {
		return atelier.Errorf(atelier.Invalid, "The setting %q takes one value.", key.Value).At(at)
	}
	return nil
}

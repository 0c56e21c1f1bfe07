package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/credential"
)

// UpOptions is all that the server needs to know to start.
type UpOptions struct {
	Host     string
	Port     int
	DataDir  string // absolute
	Database string // empty: SQLite in DataDir
	Storage  string // s3://..., or empty: a folder in DataDir
	// AllowedHosts are further names by which the server may be addressed.
	AllowedHosts []string
	GPUs         int // -1: as many as are found
	// VaultKeyProvider is where the vault's key is, or empty for a file in DataDir.
	VaultKeyProvider, BaoToken, BaoNamespace string
	// KeepEnvironments is how long a built environment stays that nobody uses;
	// 0 is for ever.
	KeepEnvironments time.Duration
	KeepAudit        time.Duration // entries of the audit log; 0 is for ever
	MaxScoringBytes  int64         // of the body of a scoring request
	AccessLog        bool
	OTLPEndpoint     string // of an OpenTelemetry collector, or empty
	PublicURL        string // by which people reach the server, or empty
	OIDC             access.OIDC
	LogLevel         string // debug, info, warn or error
	LogFormat        string // text or json

	Stdout, Stderr io.Writer
	// SaveToken remembers the owner's token for the command line on this machine.
	SaveToken func(server, token string) error
	// HasToken tells whether the command line has a token for the server.
	HasToken func(server string) bool
}

const upLong = `Start the server: the API, the Studio and the machine's own compute, in this
process. Nothing needs to be configured; everything is kept in one folder. The
first start makes an owner and prints a one-time link to sign in with.

Each setting is a flag, else a variable of the environment, else a line of the
configuration file (YAML), else its default. The file is --config, else
ATELIER_CONFIG, else atelier.yml in the working folder when there is one.

Stop it with Ctrl-C. Running jobs and endpoints go on, and the next start takes
them up again.`

func (c *command) upCommand() *cobra.Command {
	var file string
	var printConfig bool
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "Start the server",
		Long:    upLong,
		Example: "  atelier up\n  atelier up --host 0.0.0.0 --data-dir /srv/atelier\n  atelier up --print-config",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file")
	cmd.Flags().BoolVar(&printConfig, "print-config", false, "print each setting with its value and its source, and stop")
	for _, s := range settings() {
		cmd.Flags().String(s.flag(), "", s.help+" (default "+s.shownDefault()+")")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		resolved, err := c.st.resolve(file, func(flag string) (string, bool) {
			f := cmd.Flags().Lookup(flag)
			return f.Value.String(), f.Changed
		})
		if err != nil {
			return err
		}
		if printConfig {
			return c.printSettings(resolved)
		}
		options, err := c.upOptions(resolved)
		if err != nil {
			return err
		}
		return c.hooks.Up(cmd.Context(), options)
	}
	return cmd
}

func (c *command) upOptions(resolved map[string]resolvedSetting) (UpOptions, error) {
	options := UpOptions{
		Host:         resolved["host"].Value,
		DataDir:      c.st.path(resolved["data_dir"].Value),
		Database:     resolved["database"].Value,
		Storage:      resolved["storage"].Value,
		AllowedHosts: words(resolved["allowed_hosts"].Value),
		LogLevel:     resolved["log_level"].Value,
		LogFormat:    resolved["log_format"].Value,
		AccessLog:    resolved["access_log"].Value == "on",
		OTLPEndpoint: strings.TrimRight(resolved["otlp_endpoint"].Value, "/"),
		PublicURL:    strings.TrimRight(resolved["public_url"].Value, "/"),
		GPUs:         -1,

		VaultKeyProvider: resolved["vault_key_provider"].Value,
		BaoToken:         first(c.st.Env["BAO_TOKEN"], c.st.Env["VAULT_TOKEN"]),
		BaoNamespace:     first(c.st.Env["BAO_NAMESPACE"], c.st.Env["VAULT_NAMESPACE"]),

		Stdout: c.st.Stdout,
		Stderr: c.st.Stderr,
		SaveToken: func(server, token string) error {
			return credential.Save(c.st.ConfigDir, server, token)
		},
		HasToken: func(server string) bool {
			token, err := credential.Token(c.st.ConfigDir, server)
			return err == nil && token != ""
		},
	}
	if c.hooks.Up == nil {
		return options, atelier.Errorf(atelier.NotImplemented, "This program contains no server.")
	}
	if gpus := resolved["gpus"].Value; gpus != "" {
		if _, err := fmt.Sscanf(gpus, "%d", &options.GPUs); err != nil {
			return options, err
		}
	}
	var err error
	if options.OIDC, err = c.identityProvider(resolved); err != nil {
		return options, err
	}
	if options.KeepEnvironments, err = readAge("--keep-environments", resolved["keep_environments"].Value); err != nil {
		return options, err
	}
	if options.KeepAudit, err = readAge("--keep-audit", resolved["keep_audit"].Value); err != nil {
		return options, err
	}
	if _, err := fmt.Sscanf(resolved["max_scoring_bytes"].Value, "%d", &options.MaxScoringBytes); err != nil {
		return options, err
	}
	_, err = fmt.Sscanf(resolved["port"].Value, "%d", &options.Port)
	return options, err
}

// identityProvider puts together what is said of the identity provider. Its secret is
// no setting: those are printed.
func (c *command) identityProvider(resolved map[string]resolvedSetting) (access.OIDC, error) {
	config := access.OIDC{Issuer: resolved["oidc_issuer"].Value, ClientID: resolved["oidc_client_id"].Value,
		ClientSecret: c.st.Env["ATELIER_OIDC_CLIENT_SECRET"], Scopes: words(resolved["oidc_scopes"].Value),
		GroupsClaim: resolved["oidc_groups_claim"].Value, Closed: resolved["oidc_sign_up"].Value == "off"}
	if config.Issuer == "" {
		return access.OIDC{}, nil
	}
	if config.ClientID == "" {
		return config, atelier.Errorf(atelier.Invalid, "The identity provider needs to know as what this server signs people in.").At("--oidc-client-id")
	}
	if file := resolved["oidc_client_secret_file"].Value; file != "" {
		text, err := c.st.readFile(file)
		if err != nil {
			return config, atelier.Errorf(atelier.Invalid, "The file %s cannot be read: %w.", file, withoutPath(err)).At("--oidc-client-secret-file")
		}
		config.ClientSecret = strings.TrimSpace(string(text))
	}
	return config, nil
}

// words splits a list that is written with commas or blanks.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func (c *command) printSettings(resolved map[string]resolvedSetting) error {
	list := []resolvedSetting{}
	t := table{header: []string{"setting", "value", "source"}}
	for _, s := range settings() {
		r := resolved[s.key]
		if s.secret && strings.Contains(r.Value, "@") {
			r.Value = hidePassword(r.Value)
		}
		list = append(list, r)
		t.rows = append(t.rows, []string{r.Key, r.Value, r.Source})
	}
	return c.emit(list, func() table { return t })
}

// hidePassword replaces the password in "postgres://user:password@host/name".
func hidePassword(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	at := strings.LastIndex(rest, "@")
	user, _, hasPassword := strings.Cut(rest[:max(at, 0)], ":")
	if !ok || at < 0 || !hasPassword {
		return address
	}
	return scheme + "://" + user + ":***" + rest[at:]
}

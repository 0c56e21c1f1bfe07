package tracking

import (
	"cmp"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// Limits of what a run keeps, which are MLflow's.
const (
	maxKey            = 250
	maxParamValue     = 6000 // longer ones are cut
	maxTagValue       = 8000 // longer ones are cut
	maxExperimentName = 500
	maxExperimentTag  = 5000
	maxBatchMetrics   = 1000
	maxBatchParams    = 100
	maxBatchTags      = 100
	maxBatch          = 1000
	maxDatasets       = 1000
	maxRunID          = 256
)

var (
	keyRule   = regexp.MustCompile(`^[\p{L}\p{N}\p{M}_/.\- :]*$`)
	runIDRule = regexp.MustCompile(`^[a-zA-Z0-9][\p{L}\p{N}_\-]*$`)
)

// missing is the error for a required value that is absent or empty.
func missing(name string) error {
	return atelier.Errorf(atelier.Invalid, "Missing value for required parameter '%s'.", name).At(name)
}

// checkKey refuses a name of a metric, param or tag that could not be a path:
// MLflow's own stores keep one file for each.
func checkKey(kind, key string) error {
	parameter := "key"
	if kind == "Metric" {
		parameter = "name" // MLflow's word for it in messages
	}
	switch {
	case key == "":
		return missing("key")
	case utf8.RuneCountInString(key) > maxKey:
		return atelier.Errorf(atelier.Invalid, "%s name '%s' had length %d, which exceeded length limit of %d.",
			kind, atelier.Clip(key, 60), utf8.RuneCountInString(key), maxKey).At("key")
	case !keyRule.MatchString(key):
		return atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter '%s' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
			atelier.Clip(key, 60), parameter).At("key")
	case path.Clean(key) != key || key == "." || strings.HasPrefix(key, "/") || key == ".." || strings.HasPrefix(key, "../"):
		return atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter '%s' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '%s'.",
			atelier.Clip(key, 60), parameter, path.Clean(key)).At("key")
	}
	return nil
}

// CheckText refuses text that a database cannot keep.
func CheckText(field, text string) error {
	if strings.Contains(text, "\x00") {
		return atelier.Errorf(atelier.Invalid, "Invalid value for parameter '%s' supplied: it contains a NUL character.", field).At(field)
	}
	return nil
}

// cut shortens text to at most n characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	count := 0
	for at := range text {
		if count == n {
			return text[:at]
		}
		count++
	}
	return text
}

func checkParam(p Pair) (Pair, error) {
	if err := checkKey("Param", p.Key); err != nil {
		return p, err
	}
	p.Value = cut(p.Value, maxParamValue)
	return p, CheckText("value", p.Value)
}

// FitsTag reports whether key can name a tag of a run.
func FitsTag(key string) bool { return checkKey("Tag", key) == nil }

func checkTag(p Pair) (Pair, error) {
	if err := checkKey("Tag", p.Key); err != nil {
		return p, err
	}
	p.Value = cut(p.Value, maxTagValue)
	return p, CheckText("value", p.Value)
}

func checkExperimentTag(p Pair) error {
	if err := checkKey("Tag", p.Key); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(p.Value); n > maxExperimentTag {
		return atelier.Errorf(atelier.Invalid, "The value of the tag '%s' had length %d, which exceeded length limit of %d.", p.Key, n, maxExperimentTag).At("value")
	}
	return CheckText("value", p.Value)
}

// checkMetric checks m. checked are the names that were found right before.
func checkMetric(m *Metric, checked map[string]bool) error {
	if !checked[m.Key] {
		if err := checkKey("Metric", m.Key); err != nil {
			return err
		}
		checked[m.Key] = true
	}
	if m.Timestamp < 0 || m.Timestamp > series.MaxTimestamp {
		return atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'timestamp' supplied: it is in milliseconds since 1970, from 0 to the year 9999.", int64(m.Timestamp)).At("timestamp")
	}
	if m.ModelID == "" && m.DatasetName == "" && m.DatasetDigest == "" {
		return nil
	}
	return cmp.Or(CheckText("metrics", m.ModelID), CheckText("metrics", m.DatasetName), CheckText("metrics", m.DatasetDigest))
}

func checkRunID(id string) error {
	if len(id) > maxRunID || !runIDRule.MatchString(id) {
		return atelier.Errorf(atelier.Invalid, "Invalid run ID: '%s'.", atelier.Clip(id, 80)).At("run_id").
			WithHint("Use up to 256 letters, digits, '-' or '_', beginning with a letter or a digit.")
	}
	return nil
}

func checkExperimentName(name string) error {
	if strings.TrimSpace(name) == "" {
		return missing("name")
	}
	if n := utf8.RuneCountInString(name); n > maxExperimentName {
		return atelier.Errorf(atelier.Invalid, "Experiment name exceeds the maximum length of %d characters: it has %d.", maxExperimentName, n).At("name")
	}
	return CheckText("name", name)
}

// checkLocation refuses an artifact location that a client could misread.
func checkLocation(location string) error {
	bad := atelier.Errorf(atelier.Invalid, "Invalid artifact location: %q.", atelier.Clip(location, 120)).At("artifact_location").
		WithHint("Leave it out to keep artifacts with the server, or give a URL such as s3://bucket/folder.")
	if location == "" {
		return nil
	}
	if strings.ContainsAny(location, "\x00#?;\\") || len(location) > 1000 {
		return bad
	}
	plain, stable := decodeUntilStable(location)
	parsed, err := url.Parse(plain)
	if !stable || err != nil || parsed.Scheme == "" || parsed.Scheme == "file" || climbs(plain) {
		return bad
	}
	return nil
}

// CheckRemote refuses the address of a file in somebody else's storage that a
// client could misread: one that leads up, or to the client's own files.
func CheckRemote(field, address string) error {
	plain, stable := decodeUntilStable(address)
	parsed, err := url.Parse(plain)
	bad := !stable || err != nil || !utf8.ValidString(plain) || len(address) > 2000 || strings.ContainsAny(plain, "\x00\r\n\\#") ||
		parsed.Scheme == "file" || climbs(plain)
	if bad {
		return atelier.Errorf(atelier.Invalid, "Invalid model version source: '%s'.", atelier.Clip(address, 120)).At(field).
			WithHint("Give an absolute address such as s3://bucket/folder, without '..', '\\' or '#'.")
	}
	return nil
}

// climbs reports whether a part of p is taken for a parent folder by anybody.
func climbs(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		name, _, _ := strings.Cut(part, ";") // "..;x" is a parent folder to some servers
		if len(name) > 0 && strings.Trim(name, dots) == "" {
			return true
		}
	}
	return false
}

// decodeUntilStable undoes percent-encoding, however often it was applied. The
// second value is false when ten rounds were not enough.
func decodeUntilStable(text string) (string, bool) {
	for range 10 {
		decoded := decodeOnce(text)
		if decoded == text {
			return text, true
		}
		text = decoded
	}
	return text, false
}

// decodeOnce undoes every percent-encoding that is one and leaves other percent
// signs alone, as lenient clients do: a stray one must not hide the rest.
func decodeOnce(text string) string {
	return encoded.ReplaceAllStringFunc(text, func(escape string) string {
		value, err := strconv.ParseUint(escape[1:], 16, 8)
		if err != nil {
			return escape
		}
		return string([]byte{byte(value)})
	})
}

var encoded = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// elsewhere begins what is a place of its own to some client: a drive, a scheme.
var elsewhere = regexp.MustCompile(`^([A-Za-z]:|(?i:file):|[A-Za-z][A-Za-z0-9+.-]*:$)`)

// dots are the full stops of Unicode, which some systems take for plain ones.
const dots = ".․‥…．｡。"

// CheckArtifactPath returns p as it is stored, which is as it was given, or an
// Invalid error when any of the ways in which p can be read leads out of its
// folder: percent-encoded once or more, with a backslash, a drive letter, a
// fragment, a NUL. No artifact path ever names a file on the server, so this only
// keeps names away that clients would misread.
func CheckArtifactPath(p string) (string, error) {
	bad := atelier.Errorf(atelier.Invalid, "Invalid path %q.", atelier.Clip(p, 120)).At("path").
		WithHint("Use a relative path with '/', without '..', '\\' or '#'.")
	plain, stable := decodeUntilStable(p)
	if !stable || !utf8.ValidString(plain) || !utf8.ValidString(p) || len(p) > 1024 {
		return "", bad
	}
	if strings.ContainsAny(plain, "\\#\x00\r\n") || climbs(plain) {
		return "", bad
	}
	for part := range strings.SplitSeq(plain, "/") {
		if part == "" || elsewhere.MatchString(part) { // in the middle, too: a client may fetch a folder
			return "", bad
		}
	}
	return p, nil
}

// CheckArtifactFolder is CheckArtifactPath for a folder, which may be the root
// ("") and may end in a slash.
func CheckArtifactFolder(p string) (string, error) {
	if p == "" || p == "." || p == "/" {
		return "", nil
	}
	return CheckArtifactPath(strings.TrimSuffix(p, "/"))
}

package datastore

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

var (
	accountRule   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerRule = regexp.MustCompile(`^[$a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]$`)
	hostRule      = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$`)
)

// check returns what is wrong with a datastore to make.
func (c Create) check() error {
	if err := atelier.CheckAssetName("datastore", c.Name); err != nil {
		return err
	}
	for _, d := range own() {
		if strings.EqualFold(c.Name, d.Name) {
			return atelier.Errorf(atelier.Conflict, "Every workspace has a datastore %s already.", d.Name).At("name").WithHint("Choose another name.")
		}
	}
	if err := checkTexts(c.Description, c.Tags); err != nil {
		return err
	}
	if err := c.Location.check(c.Type); err != nil {
		return err
	}
	if c.Credentials == nil {
		return nil
	}
	_, err := c.Credentials.kind(c.Type)
	return err
}

func checkTexts(description string, tags map[string]string) error {
	for field, text := range map[string]string{"description": description} {
		if strings.Contains(text, "\x00") || utf8.RuneCountInString(text) > 10_000 {
			return atelier.Errorf(atelier.Invalid, "The %s is no text of at most 10,000 characters.", field).At(field)
		}
	}
	for key, value := range tags {
		if key == "" || strings.Contains(key+value, "\x00") || utf8.RuneCountInString(key) > 250 || utf8.RuneCountInString(value) > 10_000 || len(tags) > 200 {
			return atelier.Errorf(atelier.Invalid, "The tag %q cannot be kept.", atelier.Clip(key, 60)).At("tags").
				WithHint("Use up to 200 tags, names of up to 250 characters and values of up to 10,000.")
		}
	}
	return nil
}

// check returns what is wrong with the location of a datastore of type t.
func (l Location) check(t Type) error {
	needs := func(field, value string, fits func(string) bool, hint string) error {
		if fits(value) {
			return nil
		}
		return atelier.Errorf(atelier.Invalid, "%q cannot be the %s of a datastore of type %s.", atelier.Clip(value, 100), field, t).At(field).WithHint("%s", hint)
	}
	switch t {
	case Local:
		return needs("path", l.Path, func(p string) bool { return filepath.IsAbs(p) && !strings.Contains(p, "\x00") }, "Give an absolute path of the server's machine.")
	case S3, GCS:
		if err := needs("bucket", l.Bucket, hostRule.MatchString, "Give the bucket's name."); err != nil {
			return err
		}
		if err := needs("prefix", l.Prefix, func(p string) bool { return p == "" || blob.CheckPath(p) == nil }, "Give a relative path with '/', or leave it out."); err != nil {
			return err
		}
		return needs("endpoint", l.Endpoint, isService, "Write it like https://s3.example.org, or leave it out.")
	case AzureBlob, AzureLake:
		if err := needs("account_name", l.AccountName, accountRule.MatchString, "Give the storage account's name: 3 to 24 lower-case letters and digits."); err != nil {
			return err
		}
		field := map[Type]string{AzureBlob: "container_name", AzureLake: "filesystem"}[t]
		if err := needs(field, l.container(), containerRule.MatchString, "Give the container's name: 3 to 63 lower-case letters, digits and '-'."); err != nil {
			return err
		}
		return needs("endpoint", l.Endpoint, func(e string) bool { return hostRule.MatchString(e) || isService(e) },
			"Write it like core.windows.net, or the whole address of the account.")
	}
	return atelier.Errorf(atelier.Invalid, "%q is not a type of datastore.", atelier.Clip(string(t), 40)).At("type").
		WithHint("Use %s, %s, %s, %s or %s.", Local, S3, GCS, AzureBlob, AzureLake)
}

// isService reports whether text is the address of a service, or nothing.
func isService(text string) bool {
	if text == "" {
		return true
	}
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != "" && parsed.User == nil &&
		parsed.RawQuery == "" && parsed.Fragment == ""
}

// kind names what s holds, and refuses what a datastore of type t cannot use.
func (s Secrets) kind(t Type) (string, error) {
	azure := t == AzureBlob || t == AzureLake
	given := map[string]bool{"account_key": s.AccountKey != "", "sas_token": s.SASToken != "", "access_key": s.AccessKeyID != "" || s.SecretAccessKey != "" || s.SessionToken != ""}
	refuse := func(hint string) (string, error) {
		return "", atelier.Errorf(atelier.Invalid, "These credentials do not fit a datastore of type %s.", t).At("credentials").WithHint("%s", hint)
	}
	switch {
	case t == Local && (given["account_key"] || given["sas_token"] || given["access_key"]):
		return refuse("A folder of the server has none.")
	case azure && (given["access_key"] || given["account_key"] == given["sas_token"]):
		return refuse("Give account_key or sas_token.")
	case (t == S3 || t == GCS) && (given["account_key"] || given["sas_token"] || s.AccessKeyID == "" || s.SecretAccessKey == ""):
		return refuse("Give access_key_id and secret_access_key.")
	}
	for kind, is := range given {
		if is {
			return kind, nil
		}
	}
	return "none", nil
}

package atelier

import (
	"regexp"
	"strings"
)

var (
	workspaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{1,32}$`)
	jobName       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$`)
	assetName     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$`)
	endpointName  = regexp.MustCompile(`^[A-Za-z](?:[A-Za-z0-9-]{1,30})[A-Za-z0-9]$`)
)

// CheckWorkspaceName returns an Invalid error unless name can name a workspace:
// 2 to 33 letters, digits, "-" or "_", beginning with a letter or digit.
func CheckWorkspaceName(name string) error {
	return checkName(workspaceName, "workspace", name,
		"Use 2 to 33 letters, digits, '-' or '_', beginning with a letter or a digit.")
}

// CheckJobName returns an Invalid error unless name can name a job (and its run).
func CheckJobName(name string) error {
	return checkName(jobName, "job", name,
		"Use 1 to 255 letters, digits, '-' or '_', beginning with a letter or a digit.")
}

// CheckAssetName returns an Invalid error unless name can name an asset of the
// given kind ("model", "environment").
func CheckAssetName(kind, name string) error {
	return checkName(assetName, kind, name,
		"Use 1 to 255 letters, digits, '.', '-' or '_', beginning with a letter or a digit.")
}

// CheckEndpointName returns an Invalid error unless name can name an endpoint
// or a deployment: 3 to 32 letters, digits or "-", a letter first, no "-" last.
func CheckEndpointName(kind, name string) error {
	return checkName(endpointName, kind, name,
		"Use 3 to 32 letters, digits or '-', beginning with a letter and not ending with '-'.")
}

func checkName(rule *regexp.Regexp, kind, name, allowed string) error {
	if rule.MatchString(name) {
		return nil
	}
	if name == "" {
		return Errorf(Invalid, "The %s has no name.", kind).At("name").WithHint("%s", allowed)
	}
	article := "a"
	if strings.ContainsRune("aeiou", rune(kind[0])) {
		article = "an"
	}
	return Errorf(Invalid, "%q cannot name %s %s.", Clip(name, 60), article, kind).At("name").WithHint("%s", allowed)
}

// Clip cuts text to at most n runes, ending in an ellipsis where it was cut, so
// that a message never repeats a megabyte of what a user sent.
func Clip(text string, n int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n]) + "…"
}

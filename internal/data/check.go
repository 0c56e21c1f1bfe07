package data

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
)

const (
	maxKey         = 250
	maxValue       = 100_000
	maxPairs       = 200
	maxDescription = 100_000
)

func (r Register) check() error {
	if err := atelier.CheckAssetName("data asset", r.Name); err != nil {
		return err
	}
	if r.Version != "" {
		if err := CheckVersion(r.Version); err != nil {
			return err
		}
	}
	if r.Type != "" && !slices.Contains(Types(), r.Type) {
		return atelier.Errorf(atelier.Invalid, "%q is not a type of data.", atelier.Clip(string(r.Type), 40)).At("type").
			WithHint("Use %s, %s or %s.", Folder, File, MLTable)
	}
	if err := checkText("path", r.Path, maxDescription); err != nil {
		return err
	}
	if err := checkText("description", r.Description, maxDescription); err != nil {
		return err
	}
	if err := checkPairs("tags", r.Tags); err != nil {
		return err
	}
	return checkPairs("properties", r.Properties)
}

// CheckVersion returns an Invalid error unless version can name a version.
func CheckVersion(version string) error {
	if version == Latest {
		return atelier.Errorf(atelier.Invalid, "\"latest\" is a label and cannot be a version.").At("version").
			WithHint("Leave the version out to get the next number.")
	}
	if err := atelier.CheckAssetName("version", version); err != nil {
		return atelier.Public(err).At("version")
	}
	return nil
}

func checkText(field, text string, limit int) error {
	if strings.Contains(text, "\x00") || !utf8.ValidString(text) {
		return atelier.Errorf(atelier.Invalid, "The %s is no text that can be kept.", field).At(field)
	}
	if n := utf8.RuneCountInString(text); n > limit {
		return atelier.Errorf(atelier.Invalid, "The %s has %d characters; at most %d are kept.", field, n, limit).At(field)
	}
	return nil
}

func checkPairs(field string, pairs map[string]string) error {
	if len(pairs) > maxPairs {
		return atelier.Errorf(atelier.Invalid, "There are %d %s; at most %d are kept.", len(pairs), field, maxPairs).At(field)
	}
	for key, value := range pairs {
		if key == "" {
			return atelier.Errorf(atelier.Invalid, "One of the %s has no name.", field).At(field)
		}
		if err := checkText(field, key, maxKey); err != nil {
			return err
		}
		if err := checkText(field, value, maxValue); err != nil {
			return err
		}
	}
	return nil
}

// asNumber returns the number that version is, 0 when it is a word.
func asNumber(version string) int64 {
	number, err := strconv.ParseInt(version, 10, 64)
	if err != nil || number < 1 || strconv.FormatInt(number, 10) != version {
		return 0
	}
	return number
}

// Check refuses content that cannot be what kind says.
func (c Content) Check(kind Type) error {
	if c.Reference != nil {
		return c.Reference.check(kind, c.Files)
	}
	return checkFiles(kind, c.Tree.Files)
}

// check refuses a reference that cannot be what kind says, as far as that is seen
// without reading.
func (r Reference) check(kind Type, files int) error {
	if r.URL != "" && kind != File {
		return atelier.Errorf(atelier.Invalid, "An address of the web is one file, and %s is more.", kind).At("type").
			WithHint("Use the type %s.", File)
	}
	if kind == File && r.URL == "" && files != 1 {
		return tooMany(files)
	}
	return nil
}

func tooMany(files int) error {
	return atelier.Errorf(atelier.Invalid, "It has %d files, and %s means one.", files, File).At("type").
		WithHint("Use the type %s, or name the file in the path.", Folder)
}

// checkFiles refuses files that cannot be what kind says.
func checkFiles(kind Type, files []blob.File) error {
	switch kind {
	case File:
		if len(files) != 1 {
			return tooMany(len(files))
		}
	case MLTable:
		if !slices.ContainsFunc(files, func(f blob.File) bool { return f.Path == "MLTable" }) {
			return atelier.Errorf(atelier.Invalid, "There is no file MLTable in it, and %s needs one.", MLTable).At("type").
				WithHint("Write the file MLTable beside the data, or use the type %s.", Folder)
		}
	}
	return nil
}

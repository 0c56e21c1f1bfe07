package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/spec"
)

const validateLong = `Read YAML files of Azure Machine Learning as what they describe, and say of each
whether it is understood, or what is refused and where. Nothing is sent, and no
server is needed: whether a named thing exists is found out when it is used.

PATH is a file, or a folder, of which all files named *.yml, *.yaml and MLTable
are read; hidden folders in it are left out. The verdicts:

  understood  it is read whole
  refused     its kind, a key or a value is refused, with the place
  broken      it is not one YAML document
  foreign     it belongs to another tool, such as GitHub
  unknown     nothing says what it describes; it may be a script's own

It ends with 2 if a file is refused or broken.`

func (c *command) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "validate PATH...",
		Short:   "Say what YAML files describe, and what would be refused",
		Long:    validateLong,
		Example: "  atelier validate job.yml\n  atelier validate examples -o json",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return c.validate(args) },
	}
}

func (c *command) validate(args []string) error {
	var files []string
	for _, arg := range args {
		found, err := yamlFiles(c.st.path(arg))
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	all := make([]spec.Inspection, 0, len(files))
	count := map[spec.Verdict]int{}
	for _, file := range files {
		said, err := spec.Inspect(file)
		if err != nil {
			return err
		}
		all = append(all, said)
		count[said.Verdict]++
	}
	if err := c.emit(all, func() table { return c.verdicts(all) }); err != nil {
		return err
	}
	if refused := count[spec.Refused] + count[spec.Broken]; refused > 0 {
		return atelier.Errorf(atelier.Invalid, "%d of %s understood, %d refused.", count[spec.Understood], counted(len(all), "file"), refused)
	}
	c.done("%d of %s understood, none refused.", count[spec.Understood], counted(len(all), "file"))
	return nil
}

// yamlFiles lists what there is to read at path, in the order of names.
func yamlFiles(path string) ([]string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return []string{path}, nil // whether it can be read is for its reader to say
	}
	var files []string
	err := filepath.WalkDir(path, func(place string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return atelier.Errorf(atelier.Invalid, "The folder %s cannot be read: %w.", path, err)
		case entry.IsDir() && place != path && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.Type().IsRegular() && (entry.Name() == "MLTable" || slices.Contains([]string{".yml", ".yaml"}, filepath.Ext(place))):
			files = append(files, place)
		}
		return nil
	})
	return files, err
}

// verdicts is a line for every fault, and one for each file without.
func (c *command) verdicts(all []spec.Inspection) table {
	t := table{empty: "There is no YAML file here."}
	for _, said := range all {
		line := func(what ...string) {
			t.rows = append(t.rows, []string{string(said.Verdict), string(said.Kind), c.st.short(strings.Join(what, ": "))})
		}
		for _, fault := range said.Faults {
			line(fault.Place, fault.Message)
		}
		if len(said.Faults) == 0 {
			line(said.File)
		}
		for _, note := range said.Notes {
			line(note)
		}
	}
	return t
}

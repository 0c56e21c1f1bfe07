package spec

import (
	"path/filepath"

	"github.com/atelier-ml/atelier"
)

// Verdict says what became of a file.
type Verdict string

// The verdicts.
const (
	Understood Verdict = "understood" // it is read whole
	Refused    Verdict = "refused"    // its kind, a key or a value is refused, with the place
	Broken     Verdict = "broken"     // it is not one YAML document
	Foreign    Verdict = "foreign"    // it belongs to another tool
	Unknown    Verdict = "unknown"    // nothing says what it describes
)

// Finding is one fault of a file.
type Finding struct {
	Place   string `json:"place"`
	Message string `json:"message"`
	Excerpt string `json:"excerpt,omitempty"`
}

// Inspection is all that can be said of a file without a server.
type Inspection struct {
	File    string    `json:"file"`
	Kind    Kind      `json:"kind"`
	Verdict Verdict   `json:"verdict"`
	Faults  []Finding `json:"faults"`
	Notes   []string  `json:"notes"`
	// Value is what was understood; in a refused file, of the rest.
	Value any `json:"value,omitempty"`
}

// Inspect reads the file at path as what it describes. It fails only where
// there is nothing to read.
func Inspect(path string) (Inspection, error) {
	text, err := readSmall(path)
	if err != nil {
		return Inspection{}, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Inspection{}, err
	}
	d := read(filepath.ToSlash(path), dir, text, nil)
	return d.inspect(), nil
}

func (d *Document) inspect() Inspection {
	i := Inspection{File: d.file, Verdict: Broken}
	if len(d.faults) == 0 {
		i.Kind, i.Verdict = d.Kind(), Understood
		value, err := d.Check()
		i.Value = value
		switch {
		case i.Kind.Foreign():
			i.Verdict = Foreign
		case i.Kind == "":
			i.Verdict = Unknown
		case err != nil:
			i.Verdict = Refused
		}
	}
	i.Faults, i.Notes = []Finding{}, append([]string{}, d.notes...)
	for _, f := range d.sorted() {
		i.Faults = append(i.Faults, Finding{Place: f.place, Message: atelier.Clip(f.message, 1000), Excerpt: f.excerpt})
	}
	return i
}

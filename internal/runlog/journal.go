// Package runlog reads the journals that the Python SDK writes before anything
// reaches a server, and ships what is left in them. docs/reference/journal.md is
// their format.
//
// A journal may be damaged, and may have come from somebody else: whatever it
// says is checked, and nothing outside its folder is read or written.
package runlog

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

const (
	magic      = "ATLRUN1\n"
	beginning  = `{"type":"` // of every record's content
	head       = 8           // bytes before it
	maxRecord  = 16 << 20
	maxSegment = 64 << 20 // more than any writer makes

	lockFile    = "lock"
	shippedFile = "shipped"
	refusedFile = "refused"
	filesFolder = "files"
)

// Run is what a journal says of its run.
type Run struct {
	Format     int               `json:"format"`
	ID         string            `json:"id"`
	Start      string            `json:"start"` // new, resume or none
	Ends       bool              `json:"ends"`  // whether the run ends with this journal's process
	Server     string            `json:"server"`
	Workspace  string            `json:"workspace"`
	Experiment string            `json:"experiment"`
	Name       string            `json:"name"`
	Tags       map[string]string `json:"tags"`
	StartedAt  int64             `json:"started_at"`
	Host       string            `json:"host"`
	Process    int               `json:"process"`
}

// Record is one record: what it is, and the fields of its type.
type Record struct {
	Type string `json:"type"` // run, metrics, params, tags, artifact or end
	Run
	Time   int64              `json:"time"`
	Step   int64              `json:"step"`
	Values json.RawMessage    `json:"values"`
	Path   string             `json:"path"`
	File   string             `json:"file"`
	SHA256 string             `json:"sha256"`
	Size   int64              `json:"size"`
	Status tracking.RunStatus `json:"status"`
}

// Place is a place in a journal: the number of a segment, and an offset in it.
type Place struct {
	Segment int64 `json:"segment"`
	Offset  int64 `json:"offset"`
}

// Entry is a record, where it begins, and where the next one does.
type Entry struct {
	Record     Record
	Begin, End Place
}

// Damage is a part of a journal that cannot be read.
type Damage struct {
	Segment int64 `json:"segment"`
	From    int64 `json:"from"`
	To      int64 `json:"to"`
	// Torn is true at the very end: the writer was killed in the middle of a
	// record, which it had not acknowledged.
	Torn bool `json:"torn"`
}

func (d Damage) String() string {
	name := segmentName(d.Segment)
	switch {
	case d.To == 0:
		return name + " is missing."
	case d.Torn:
		return fmt.Sprintf("The last %d bytes of %s, from byte %d on, are the beginning of a record that was never finished.", d.To-d.From, name, d.From)
	}
	return fmt.Sprintf("The bytes %d to %d of %s are damaged; what is before and after them was read.", d.From, d.To, name)
}

// Journal is a journal's folder.
type Journal struct {
	Folder string
	root   *os.Root
}

// Open opens the journal in folder. The caller closes it.
func Open(folder string) (*Journal, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	return &Journal{Folder: folder, root: root}, nil
}

// Close gives the folder back.
func (j *Journal) Close() error { return j.root.Close() }

var segmentRule = regexp.MustCompile(`^(\d{6,18})\.journal$`)

func segmentName(number int64) string { return fmt.Sprintf("%06d.journal", number) }

// Find returns the folders of all journals below root, which may be one itself.
func Find(root string) ([]string, error) {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder := filepath.Dir(path)
		if entry.Type().IsRegular() && segmentRule.MatchString(entry.Name()) && !slices.Contains(folders[max(0, len(folders)-1):], folder) {
			folders = append(folders, folder)
		}
		return nil
	})
	return folders, err
}

// segments returns the numbers of the segments, in order.
func (j *Journal) segments() ([]int64, error) {
	entries, err := fs.ReadDir(j.root.FS(), ".")
	var numbers []int64
	for _, entry := range entries {
		if match := segmentRule.FindStringSubmatch(entry.Name()); match != nil {
			number, err := strconv.ParseInt(match[1], 10, 64)
			if err != nil || segmentName(number) != entry.Name() {
				continue
			}
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, err
}

// Run returns what the journal says of its run.
func (j *Journal) Run() (Run, error) {
	var run Run
	found := errors.New("found")
	_, err := j.Read(Place{}, func(e Entry) error {
		if e.Record.Type == "run" {
			run = e.Record.Run
			return found
		}
		return nil
	})
	if errors.Is(err, found) {
		return run, run.check()
	}
	if err == nil {
		err = atelier.Errorf(atelier.Invalid, "The journal %s does not say of which run it is: its first record is lost.", j.Folder).
			WithHint("If the run is on the server already, ask for help before you delete the folder: the other records are whole.")
	}
	return run, err
}

func (r Run) check() error {
	if r.Format != 1 {
		return atelier.Errorf(atelier.NotImplemented, "The journal has the format %d, which this version of atelier does not know.", r.Format).
			WithHint("Use a newer `atelier`.")
	}
	if r.ID == "" || r.ID != filepath.Base(r.ID) || strings.HasPrefix(r.ID, ".") {
		return atelier.Errorf(atelier.Invalid, "The journal is of a run called %q, which cannot be.", atelier.Clip(r.ID, 80))
	}
	return nil
}

// Read calls found with every whole record from a place on, and returns what
// could not be read. It steps over damage: a record's head cannot occur inside of
// another's content, so the next one is found with certainty.
func (j *Journal) Read(from Place, found func(Entry) error) ([]Damage, error) {
	numbers, err := j.segments()
	if err != nil {
		return nil, err
	}
	var damage []Damage
	next := from.Segment // what should come; 0 when anything may, for what was shipped is deleted
	for i, number := range numbers {
		if number < from.Segment {
			continue
		}
		for ; next > 0 && next < number; next++ {
			damage = append(damage, Damage{Segment: next})
		}
		next = number + 1
		start := int64(len(magic))
		if number == from.Segment {
			start = max(start, from.Offset)
		}
		more, err := j.readSegment(number, start, i == len(numbers)-1, found)
		damage = append(damage, more...)
		if err != nil {
			return damage, err
		}
	}
	return damage, nil
}

func (j *Journal) readSegment(number, start int64, last bool, found func(Entry) error) ([]Damage, error) {
	data, err := j.content(number)
	if err != nil {
		return nil, err
	}
	var damage []Damage
	if len(data) >= len(magic) && string(data[:len(magic)]) != magic {
		damage = append(damage, Damage{Segment: number, From: 0, To: int64(len(magic))})
	}
	bad := int64(-1)
	size := int64(len(data))
	for at := start; at < size; {
		content := contentAt(data, at)
		var record Record
		if content == nil || json.Unmarshal(content, &record) != nil {
			if bad < 0 {
				bad = at
			}
			at++
			continue
		}
		if bad >= 0 {
			damage = append(damage, Damage{Segment: number, From: bad, To: at})
			bad = -1
		}
		end := at + head + int64(len(content))
		if err := found(Entry{Record: record, Begin: Place{number, at}, End: Place{number, end}}); err != nil {
			return damage, err
		}
		at = end
	}
	if bad >= 0 {
		damage = append(damage, Damage{Segment: number, From: bad, To: size, Torn: last})
	}
	return damage, nil
}

func (j *Journal) content(number int64) ([]byte, error) {
	info, err := j.root.Stat(segmentName(number))
	if err == nil && info.Size() > maxSegment {
		err = atelier.Errorf(atelier.Invalid, "%s has %d bytes, which no journal has.", segmentName(number), info.Size())
	}
	if err != nil {
		return nil, err
	}
	return j.root.ReadFile(segmentName(number))
}

// contentAt returns the content of the record that begins at an offset; nil when
// none does.
func contentAt(data []byte, at int64) []byte {
	rest := data[at:]
	if len(rest) < head+len(beginning) || !bytes.HasPrefix(rest[head:], []byte(beginning)) {
		return nil
	}
	length := binary.BigEndian.Uint32(rest)
	if length > maxRecord || int(length) > len(rest)-head {
		return nil
	}
	content := rest[head : head+int(length)]
	sum := crc32.Update(crc32.ChecksumIEEE(rest[:4]), crc32.IEEETable, content)
	if sum != binary.BigEndian.Uint32(rest[4:]) {
		return nil
	}
	return content
}

// pairs reads the values of params or tags.
func (r Record) pairs() (map[string]string, error) {
	var values map[string]string
	err := json.Unmarshal(r.Values, &values)
	return values, err
}

// points reads the values of metrics.
func (r Record) points() (map[string]series.Value, error) {
	var values map[string]series.Value
	err := json.Unmarshal(r.Values, &values)
	return values, err
}

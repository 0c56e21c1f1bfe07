package runlog

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/compute/process"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// What became of a journal.
const (
	Shipped = "shipped" // the server has all of it that can be read
	Held    = "held"    // its writer is alive, and ships it
	Left    = "left"    // something could not be sent; Result.Error says why
	Waiting = "waiting" // a dry run found something to send
)

// Options choose what Sync does.
type Options struct {
	// Connect returns the way to the server for a journal of the run.
	Connect func(Run) (*client.Client, error)
	Delete  bool // delete journals of which the server has all
	DryRun  bool
	// Tell is told how far the shipping of a journal has come.
	Tell func(Result)
}

// Result is what became of one journal.
type Result struct {
	Folder  string    `json:"folder"`
	Run     string    `json:"run"`
	Name    string    `json:"name,omitempty"`
	State   string    `json:"state" enum:"shipped,held,left,waiting"`
	Sent    Counts    `json:"sent" doc:"In a dry run, what would be sent."`
	Refused []Refusal `json:"refused" doc:"What the server will never take. The folder keeps it."`
	Damage  []Damage  `json:"damage"`
	Killed  bool      `json:"killed" doc:"The process ended without ending the run."`
	Deleted bool      `json:"deleted"`
	Error   string    `json:"error,omitempty"`
}

// Sync ships the journal in folder. Its error is that of the result.
func Sync(ctx context.Context, folder string, o Options) (Result, error) {
	result := Result{Folder: folder, State: Left, Refused: []Refusal{}, Damage: []Damage{}}
	journal, err := Open(folder)
	if err == nil {
		defer journal.Close()
		err = journal.sync(ctx, o, &result)
	}
	if err != nil {
		result.State, result.Error = Left, err.Error()
	}
	return result, err
}

func (j *Journal) sync(ctx context.Context, o Options, result *Result) error {
	holder, err := process.Holder(filepath.Join(j.Folder, lockFile))
	if err != nil {
		return err
	}
	if holder != 0 {
		result.State = Held
	}
	run, err := j.Run()
	if err != nil {
		return err
	}
	result.Run, result.Name = run.ID, run.Name
	if holder != 0 {
		return nil
	}
	if o.DryRun {
		return j.count(result)
	}
	lock, taken, err := process.Lock(filepath.Join(j.Folder, lockFile))
	if err != nil {
		return err
	}
	if !taken {
		result.State = Held
		return nil
	}
	defer lock.Close()
	api, err := o.Connect(run)
	if err != nil {
		return err
	}
	if err := j.ship(ctx, api, run, o, result); err != nil {
		return err
	}
	result.State = Shipped
	if !o.Delete {
		return nil
	}
	keeps, err := j.keeps()
	if err != nil || keeps {
		return err
	}
	result.Deleted = true
	return os.RemoveAll(j.Folder)
}

func (j *Journal) ship(ctx context.Context, api *client.Client, run Run, o Options, result *Result) error {
	before := j.shipped()
	s := &shipper{journal: j, api: api, run: run, place: before.Place, tell: func(c Counts) {
		result.Sent = c
		if o.Tell != nil {
			o.Tell(*result)
		}
	}}
	damage, err := s.ship(ctx)
	result.Damage = append(result.Damage, damage...)
	result.Refused = append(result.Refused, s.refused...)
	if err != nil || before.Killed {
		return err
	}
	result.Killed, err = j.endKilled(ctx, api, run, s.place)
	return err
}

// endKilled tells the server that the run ended, if its process was killed
// before it could. Only on the machine of that process is it known to be gone,
// and not while another process still logs to the run.
func (j *Journal) endKilled(ctx context.Context, api *client.Client, run Run, place Place) (bool, error) {
	host, err := os.Hostname()
	if err != nil || !run.Ends || host != run.Host || j.siblingsAlive(run) {
		return false, nil
	}
	last := run.StartedAt
	ended := false
	_, err = j.Read(Place{}, func(e Entry) error {
		last = max(last, e.Record.Time)
		ended = ended || e.Record.Type == "end"
		return nil
	})
	if err != nil || ended {
		return false, err
	}
	now, err := api.GetRun(ctx, run.ID)
	if err != nil {
		return false, err
	}
	if now.Status == tracking.Running {
		if err := api.SetRunStatus(ctx, run.ID, tracking.Killed, last); err != nil {
			return false, err
		}
	}
	return true, j.write(note{Place: place, Killed: true})
}

// siblingsAlive reports whether a process still writes another journal of the run.
func (j *Journal) siblingsAlive(run Run) bool {
	folders, err := filepath.Glob(filepath.Join(filepath.Dir(j.Folder), run.ID+"*"))
	for _, folder := range folders {
		if folder == j.Folder {
			continue
		}
		if holder, err := process.Holder(filepath.Join(folder, lockFile)); err != nil || holder != 0 {
			return true
		}
	}
	return err != nil
}

// keeps reports whether the folder has something that is nowhere else: what the
// server refused, or what may yet be read out of damaged parts.
func (j *Journal) keeps() (bool, error) {
	if _, err := j.root.Stat(refusedFile); !errors.Is(err, fs.ErrNotExist) {
		return true, err
	}
	damage, err := j.Read(Place{}, func(Entry) error { return nil })
	return slices.ContainsFunc(damage, func(d Damage) bool { return !d.Torn }), err
}

// count finds what is left to send.
func (j *Journal) count(result *Result) error {
	result.State = Shipped
	damage, err := j.Read(j.shipped().Place, func(e Entry) error {
		switch e.Record.Type {
		case "artifact":
			result.Sent.Artifacts++
			result.Sent.Bytes += e.Record.Size
		case "metrics", "params", "tags":
			items, err := itemsOf(e)
			if err != nil {
				return err
			}
			for _, it := range items {
				switch it.kind {
				case "metrics":
					result.Sent.Points++
				case "params":
					result.Sent.Params++
				default:
					result.Sent.Tags++
				}
			}
		}
		result.State = Waiting
		return nil
	})
	result.Damage = append(result.Damage, damage...)
	return err
}

// Failed is the error for a Sync of several journals of which some are left.
func Failed(results []Result) error {
	var left, refused, damaged int
	for _, r := range results {
		if r.State == Left {
			left++
		}
		refused += len(r.Refused)
		for _, d := range r.Damage {
			if !d.Torn {
				damaged++
			}
		}
	}
	switch {
	case left > 0:
		return atelier.Errorf(atelier.Unavailable, "%d of %d journals could not be shipped whole.", left, len(results)).
			WithHint("Nothing is lost. Sync again when the reasons above are gone.")
	case refused > 0:
		return atelier.Errorf(atelier.Precondition, "Part of it was refused by the server (%d in number). It is kept, with the reasons, in the file `refused` of its journal.", refused)
	case damaged > 0:
		return atelier.Errorf(atelier.Precondition, "Part of the journals is damaged (%d places). All that can be read was shipped.", damaged)
	}
	return nil
}

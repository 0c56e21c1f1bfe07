package runlog

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// What the server takes with one log-batch.
const (
	mostPoints = 1000
	mostPairs  = 100
	mostAtOnce = 1000
)

// Counts is how much was shipped, or would be.
type Counts struct {
	Points    int64 `json:"points"`
	Params    int64 `json:"params"`
	Tags      int64 `json:"tags"`
	Artifacts int64 `json:"artifacts"`
	Bytes     int64 `json:"bytes" doc:"Of artifacts."`
}

// Refusal is something that the server will never take, with its reason.
type Refusal struct {
	Segment int64  `json:"segment"`
	Offset  int64  `json:"offset"`
	Type    string `json:"type"`
	Key     string `json:"key,omitempty"`
	Path    string `json:"path,omitempty"`
	Value   any    `json:"value,omitempty"`
	Step    *int64 `json:"step,omitempty"`
	Time    *int64 `json:"timestamp,omitempty"`
	Message string `json:"message"`
}

// shipper ships one journal, whose lock the caller holds.
type shipper struct {
	journal *Journal
	api     *client.Client
	run     Run
	place   Place
	batch   batch
	counts  Counts
	refused []Refusal
	tell    func(Counts)
}

// item is one point, param or tag, and the record that it came with.
type item struct {
	kind   string
	metric tracking.Metric
	pair   tracking.Pair
	origin Place
}

// batch is what goes out with the next log-batch.
type batch struct {
	items                []item
	points, params, tags int
	tagged               map[string]bool
}

// takes reports whether there is room for it, and a tag's values stay in order.
func (b *batch) takes(it item) bool {
	if len(b.items) >= mostAtOnce {
		return false
	}
	switch it.kind {
	case "metrics":
		return b.points < mostPoints
	case "params":
		return b.params < mostPairs
	}
	return b.tags < mostPairs && !b.tagged[it.pair.Key]
}

func (b *batch) add(it item) {
	b.items = append(b.items, it)
	switch it.kind {
	case "metrics":
		b.points++
	case "params":
		b.params++
	default:
		b.tags++
		if b.tagged == nil {
			b.tagged = map[string]bool{}
		}
		b.tagged[it.pair.Key] = true
	}
}

func isItems(kind string) bool { return kind == "metrics" || kind == "params" || kind == "tags" }

// itemsOf takes a record of values apart.
func itemsOf(e Entry) ([]item, error) {
	var items []item
	if e.Record.Type == "metrics" {
		values, err := e.Record.points()
		for _, key := range slices.Sorted(maps.Keys(values)) {
			point := series.Point{Step: e.Record.Step, Timestamp: series.Timestamp(e.Record.Time), Value: values[key]}
			items = append(items, item{kind: "metrics", origin: e.Begin, metric: tracking.Metric{Sample: series.Sample{Key: key, Point: point}}})
		}
		return items, err
	}
	values, err := e.Record.pairs()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		items = append(items, item{kind: e.Record.Type, origin: e.Begin, pair: tracking.Pair{Key: key, Value: values[key]}})
	}
	return items, err
}

// ship sends what is left, in order. Everything that it sends may have been sent
// before: the server stores it once.
func (s *shipper) ship(ctx context.Context) ([]Damage, error) {
	done := s.place
	damage, err := s.journal.Read(s.place, func(e Entry) error {
		if !isItems(e.Record.Type) {
			if err := s.flush(ctx, done); err != nil {
				return err
			}
			if err := s.act(ctx, e); err != nil {
				return err
			}
			done = e.End
			return s.advance(done)
		}
		items, err := itemsOf(e)
		if err != nil {
			done = e.End
			return s.refuse(Refusal{Segment: e.Begin.Segment, Offset: e.Begin.Offset, Type: e.Record.Type, Value: e.Record.Values, Message: err.Error()})
		}
		for _, it := range items {
			if !s.batch.takes(it) {
				if err := s.flush(ctx, done); err != nil {
					return err
				}
			}
			s.batch.add(it)
		}
		done = e.End
		return nil
	})
	if err == nil {
		err = s.flush(ctx, done)
	}
	return damage, err
}

// flush sends the batch and notes that everything before done is stored.
func (s *shipper) flush(ctx context.Context, done Place) error {
	items := s.batch.items
	s.batch = batch{}
	if err := s.send(ctx, items); err != nil {
		return err
	}
	return s.advance(done)
}

// send logs items. When the server refuses them, those are found that it refuses,
// and the others are stored.
func (s *shipper) send(ctx context.Context, items []item) error {
	if len(items) == 0 {
		return nil
	}
	var b tracking.Batch
	for _, it := range items {
		switch it.kind {
		case "metrics":
			b.Metrics = append(b.Metrics, it.metric)
		case "params":
			b.Params = append(b.Params, it.pair)
		default:
			b.Tags = append(b.Tags, it.pair)
		}
	}
	err := s.api.LogBatch(ctx, s.run.ID, b)
	if atelier.CodeOf(err) == atelier.Invalid {
		return s.sendParts(ctx, items, err)
	}
	if err != nil {
		return err
	}
	s.counts.Points += int64(len(b.Metrics))
	s.counts.Params += int64(len(b.Params))
	s.counts.Tags += int64(len(b.Tags))
	s.tell(s.counts)
	return nil
}

func (s *shipper) sendParts(ctx context.Context, items []item, refusal error) error {
	if err := s.mustBeActive(ctx); err != nil {
		return err
	}
	if len(items) == 1 {
		return s.refuse(refusalOf(items[0], refusal))
	}
	middle := len(items) / 2
	if err := s.send(ctx, items[:middle]); err != nil {
		return err
	}
	return s.send(ctx, items[middle:])
}

func refusalOf(it item, err error) Refusal {
	r := Refusal{Segment: it.origin.Segment, Offset: it.origin.Offset, Type: it.kind, Key: it.pair.Key, Value: it.pair.Value, Message: atelier.Public(err).Message}
	if it.kind == "metrics" {
		step, at := it.metric.Step, int64(it.metric.Timestamp)
		r.Key, r.Value, r.Step, r.Time = it.metric.Key, it.metric.Value, &step, &at
	}
	return r
}

// mustBeActive tells a run that takes nothing from a value that is wrong.
func (s *shipper) mustBeActive(ctx context.Context) error {
	run, err := s.api.GetRun(ctx, s.run.ID)
	if err == nil && run.LifecycleStage != tracking.Active {
		err = atelier.Errorf(atelier.Precondition, "The run %s was deleted on the server.", s.run.ID).
			WithHint("Restore it with `atelier run restore %s`, and sync again.", s.run.ID)
	}
	return err
}

// act does what a record of one thing says.
func (s *shipper) act(ctx context.Context, e Entry) error {
	switch e.Record.Type {
	case "run":
		return s.start(ctx)
	case "artifact":
		return s.orRefuse(ctx, e, s.store(ctx, e.Record))
	case "end":
		return s.orRefuse(ctx, e, s.api.SetRunStatus(ctx, s.run.ID, e.Record.Status, e.Record.Time))
	}
	return atelier.Errorf(atelier.NotImplemented, "%s has a record of the type %q at byte %d, which this version of atelier does not know.",
		segmentName(e.Begin.Segment), atelier.Clip(e.Record.Type, 40), e.Begin.Offset).WithHint("Use a newer `atelier`.")
}

func (s *shipper) start(ctx context.Context) error {
	switch s.run.Start {
	case "resume":
		return s.api.SetRunStatus(ctx, s.run.ID, tracking.Running, 0)
	case "new":
		at := time.UnixMilli(s.run.StartedAt).UTC()
		_, err := s.api.StartRun(ctx, s.run.ID, tracking.NewRun{Experiment: s.run.Experiment, Name: s.run.Name, Tags: s.run.Tags, StartedAt: &at})
		return err
	}
	return nil
}

var copyRule = regexp.MustCompile(`^\d{1,18}$`)

// store names content that the server has, or else sends it first.
func (s *shipper) store(ctx context.Context, r Record) error {
	hash, err := blob.ParseHash(r.SHA256)
	if err != nil {
		return err
	}
	err = s.api.NameArtifact(ctx, s.run.ID, r.Path, hash)
	if atelier.CodeOf(err) == atelier.NotFound {
		if err = s.upload(ctx, r, hash); err == nil {
			err = s.api.NameArtifact(ctx, s.run.ID, r.Path, hash)
		}
	}
	if err == nil {
		s.counts.Artifacts++
		s.counts.Bytes += r.Size
		s.tell(s.counts)
	}
	return err
}

func (s *shipper) upload(ctx context.Context, r Record, hash blob.Hash) error {
	name := filesFolder + "/" + r.File
	info, err := s.journal.root.Stat(name)
	if !copyRule.MatchString(r.File) || err != nil || !info.Mode().IsRegular() || info.Size() != r.Size {
		return atelier.Errorf(atelier.Invalid, "Its copy in the journal, %s, is missing or has another size.", name)
	}
	return s.api.UploadBlob(ctx, client.Source{File: blob.File{Path: r.Path, Hash: hash, Size: r.Size},
		Open: func() (io.ReadCloser, error) { return s.journal.root.Open(name) }})
}

// orRefuse sets aside what the server will never take.
func (s *shipper) orRefuse(ctx context.Context, e Entry, err error) error {
	if atelier.CodeOf(err) != atelier.Invalid {
		return err
	}
	if err := s.mustBeActive(ctx); err != nil {
		return err
	}
	return s.refuse(Refusal{Segment: e.Begin.Segment, Offset: e.Begin.Offset, Type: e.Record.Type, Path: e.Record.Path, Value: e.Record.Status, Message: atelier.Public(err).Message})
}

func (s *shipper) refuse(r Refusal) error {
	s.refused = append(s.refused, r)
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := s.journal.root.OpenFile(refusedFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(append(line, '\n')); err != nil {
		return err
	}
	return file.Sync()
}

// note is what the journal's folder says of the shipping.
type note struct {
	Place
	// Killed is true once the server was told that the run ended with its process.
	Killed bool `json:"killed,omitempty"`
}

// advance notes how much was acknowledged. An older note only means that
// something is sent twice.
func (s *shipper) advance(place Place) error {
	if place == s.place {
		return nil
	}
	s.place = place
	return s.journal.write(note{Place: place})
}

func (j *Journal) write(n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := j.root.WriteFile(shippedFile+".new", text, 0o600); err != nil {
		return err
	}
	return j.root.Rename(shippedFile+".new", shippedFile)
}

// shipped returns up to where the journal was shipped; its beginning when that
// cannot be read, for sending again harms nothing.
func (j *Journal) shipped() note {
	var n note
	text, err := j.root.ReadFile(shippedFile)
	if err != nil || json.Unmarshal(text, &n) != nil {
		return note{}
	}
	return n
}

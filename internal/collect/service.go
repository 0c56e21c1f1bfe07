package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

const (
	// maxInline is how much data a line carries; more lies in a file of its own.
	maxInline = 4 << 20
	// smallFile is what counts as small, and mergeAt how many small files of one
	// writer become one.
	smallFile = 1 << 20
	mergeAt   = 32
)

// Service keeps collected lines.
type Service struct {
	db    *sqldb.DB
	blobs blob.Store
	clock clock.Clock

	mu     sync.Mutex
	counts map[counted]Count
}

type counted struct {
	workspace string
	Key
}

// Count is what became of a collection's rows since the server started.
type Count struct {
	Kept    int64
	Dropped int64
}

// New returns the service.
func New(db *sqldb.DB, blobs blob.Store, clk clock.Clock) *Service {
	return &Service{db: db, blobs: blobs, clock: clk, counts: map[counted]Count{}}
}

// file is one file of a collection.
type file struct {
	path   string
	writer string
	hash   blob.Hash
	size   int64
	lines  int64
	at     time.Time
}

// Batch is lines that somebody sends at once.
type Batch struct {
	// Writer is who collected them, as in a replica's id, and Name is unique for
	// each of its batches: one that is sent twice is kept once.
	Writer, Name string
	At           time.Time // when the lines were collected
	Lines        []byte    // each ends with a newline
	Dropped      int64     // lines that were not kept since the last batch
}

var batchName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Append keeps a batch. A batch that was kept already is kept once.
func (s *Service) Append(ctx context.Context, ws string, to Place, b Batch) error {
	if !batchName.MatchString(b.Name) || !batchName.MatchString(b.Writer) {
		return atelier.Errorf(atelier.Invalid, "%q cannot name a batch.", atelier.Clip(b.Name, 60)).At("batch")
	}
	at := b.At.UTC()
	if now := s.clock.Now(); at.IsZero() || at.After(now) {
		at = now.UTC()
	}
	folder := path.Join(to.Folder, at.Format(layouts[to.Rolls]))
	made, large, err := s.store(ctx, ws, folder, b)
	if err != nil {
		return err
	}
	made.at = at
	for i := range large {
		large[i].at = at
	}
	fresh, err := s.insert(ctx, ws, to.Key, append(large, made))
	if err != nil {
		return err
	}
	if fresh {
		s.count(ws, to.Key, Count{Kept: made.lines, Dropped: b.Dropped})
	}
	return s.merge(ctx, ws, to, folder, b.Writer)
}

// Drop counts lines that could not be kept.
func (s *Service) Drop(ws string, of Key, lines int64) { s.count(ws, of, Count{Dropped: lines}) }

func (s *Service) count(ws string, of Key, more Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[counted{ws, of}]
	c.Kept += more.Kept
	c.Dropped += more.Dropped
	s.counts[counted{ws, of}] = c
}

// Counts calls found with what became of the rows of each collection, of one
// workspace or with "" of all.
func (s *Service) Counts(ws string, found func(ws string, of Key, c Count)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, c := range s.counts {
		if ws == "" || ws == k.workspace {
			found(k.workspace, k.Key, c)
		}
	}
}

// store puts the lines into the store. Data that is too large for a line becomes
// a file of its own, which the line refers to.
func (s *Service) store(ctx context.Context, ws, folder string, b Batch) (made file, large []file, err error) {
	var kept bytes.Buffer
	for line := range bytes.Lines(b.Lines) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(line) > maxInline {
			aside, shorter, err := s.aside(ctx, ws, folder, b.Writer, line)
			if err != nil {
				return made, nil, err
			}
			if line = shorter; aside.hash != "" {
				large = append(large, aside)
			}
		}
		if line[0] != '{' || !json.Valid(line) {
			return made, nil, atelier.Errorf(atelier.Invalid, "Line %d of the batch is no object of JSON.", made.lines+1).At("lines")
		}
		kept.Write(line)
		kept.WriteByte('\n')
		made.lines++
	}
	if made.lines == 0 {
		return made, nil, atelier.Errorf(atelier.Invalid, "The batch has no lines.").At("lines")
	}
	made.path, made.writer = path.Join(folder, b.Writer+"-"+b.Name+".jsonl"), b.Writer
	made.hash, made.size, err = s.blobs.Put(ctx, ws, &kept)
	return made, large, err
}

// aside stores the data of a line in a file, and returns the line that refers to it.
func (s *Service) aside(ctx context.Context, ws, folder, writer string, line []byte) (file, []byte, error) {
	var event map[string]json.RawMessage
	if err := json.Unmarshal(line, &event); err != nil {
		return file{}, nil, atelier.Errorf(atelier.Invalid, "A line of the batch is no object of JSON.").At("lines")
	}
	data := event["data"]
	if len(data) <= maxInline {
		return file{}, line, nil
	}
	hash, size, err := s.blobs.Put(ctx, ws, bytes.NewReader(data))
	if err != nil {
		return file{}, nil, err
	}
	made := file{path: path.Join(folder, "large", string(hash)+".json"), writer: writer, hash: hash, size: size}
	delete(event, "data")
	event["dataref"], _ = json.Marshal(URI(made.path))
	shorter, err := json.Marshal(event)
	return made, shorter, err
}

// insert notes files, unless they are there, and reports whether the last was new.
func (s *Service) insert(ctx context.Context, ws string, of Key, files []file) (fresh bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, f := range files {
			if fresh, err = insertFile(ctx, tx, ws, of, f); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh, err
}

// merge makes one file of many small ones of a writer, so that a folder has few
// files. The newest stays alone: only that can be sent once more.
func (s *Service) merge(ctx context.Context, ws string, of Place, folder, writer string) error {
	var small []file
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		small, err = selectSmall(ctx, tx, ws, of.Key, folder, writer)
		return err
	})
	if err != nil || len(small) <= mergeAt {
		return err
	}
	small = small[:len(small)-1]
	merged := small[len(small)-1]
	merged.path = strings.TrimSuffix(merged.path, ".jsonl") + "m.jsonl"
	var parts []io.Reader
	for _, f := range small {
		text, err := s.read(ctx, ws, f)
		if err != nil {
			return err
		}
		parts = append(parts, bytes.NewReader(text))
	}
	merged.hash, merged.size, err = s.blobs.Put(ctx, ws, io.MultiReader(parts...))
	if err != nil {
		return err
	}
	merged.lines = 0
	for _, f := range small {
		merged.lines += f.lines
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, f := range small {
			if err := deleteFile(ctx, tx, ws, f.path); err != nil {
				return err
			}
		}
		_, err := insertFile(ctx, tx, ws, of.Key, merged)
		return err
	})
}

func (s *Service) read(ctx context.Context, ws string, f file) ([]byte, error) {
	content, _, err := s.blobs.Open(ctx, ws, f.hash)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// Files returns the files at or below a folder of the workspace's datastore, with
// their paths relative to it.
func (s *Service) Files(ctx context.Context, ws, folder string) (found []blob.File, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err = selectBelow(ctx, tx, ws, strings.Trim(folder, "/"))
		return err
	})
	return found, err
}

// Summary is what there is of a collection.
type Summary struct {
	Key
	Path    string    `json:"path" doc:"The newest file's folder in the workspace's datastore."`
	Rows    int64     `json:"rows" doc:"Events, one to a line."`
	Files   int64     `json:"files"`
	Bytes   int64     `json:"bytes"`
	Dropped int64     `json:"dropped" doc:"Events that could not be kept, since the server started."`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
}

// Collections returns what there is of every collection of a deployment.
func (s *Service) Collections(ctx context.Context, ws, endpoint, deployment string) (all []Summary, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = selectSummaries(ctx, tx, ws, endpoint, deployment)
		return err
	})
	s.Counts(ws, func(_ string, of Key, c Count) {
		if at := slices.IndexFunc(all, func(one Summary) bool { return one.Key == of }); at >= 0 {
			all[at].Dropped = c.Dropped
		}
	})
	return all, err
}

// position is where a page of rows goes on: before a line of a file.
type position struct {
	At   int64  `json:"at"`
	Path string `json:"path"`
	Line int    `json:"line"`
}

// Rows returns a page of a collection's events, the newest first.
func (s *Service) Rows(ctx context.Context, ws string, of Key, maxResults int, pageToken string) (atelier.Page[Event], error) {
	page := atelier.Page[Event]{Items: []Event{}}
	var from *position
	if pageToken != "" {
		from = &position{}
		if err := atelier.DecodePageToken(pageToken, from); err != nil {
			return page, err
		}
	}
	size := atelier.PageSize(maxResults, 20, 1000)
	for {
		f, err := s.next(ctx, ws, of, from)
		if err != nil || f == nil {
			return page, err
		}
		lines, err := s.lines(ctx, ws, *f)
		if err != nil {
			return page, err
		}
		last := len(lines)
		if from != nil && from.Path == f.path && from.Line > 0 {
			last = min(last, from.Line)
		}
		for i := last - 1; i >= 0; i-- {
			var event Event
			if err := json.Unmarshal(lines[i], &event); err != nil {
				return page, fmt.Errorf("collect: line %d of %s: %w", i+1, f.path, err)
			}
			if len(page.Items) == size {
				page.NextPageToken = atelier.EncodePageToken(position{f.at.UnixMicro(), f.path, i + 1})
				return page, nil
			}
			page.Items = append(page.Items, event)
		}
		from = &position{At: f.at.UnixMicro(), Path: f.path}
	}
}

// next returns the file to read: the one in which a page broke off, or the one
// before it.
func (s *Service) next(ctx context.Context, ws string, of Key, from *position) (found *file, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err = selectBefore(ctx, tx, ws, of, from)
		return err
	})
	return found, err
}

func (s *Service) lines(ctx context.Context, ws string, f file) ([][]byte, error) {
	text, err := s.read(ctx, ws, f)
	return bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n")), err
}

// Deleted is what a deletion removed.
type Deleted struct {
	Rows  int64 `json:"rows"`
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Delete removes the files of a collection whose last line was collected before a
// time; with an empty collection, of all the deployment's. The next sweep frees
// their room, unless a job's input still needs them.
func (s *Service) Delete(ctx context.Context, ws string, of Key, before time.Time) (gone Deleted, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		gone, err = deleteBefore(ctx, tx, ws, of, before)
		return err
	})
	return gone, err
}

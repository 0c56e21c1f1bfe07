package runner

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/mlflow"
)

// queue holds the writes that the relay answered in the server's place, on disk,
// until the server has them. They go out in the order in which they came, one
// after the other, and what comes while some wait goes behind them. A write may
// be sent twice, when a runner dies between the server's answer and its own note
// of it: all of them say what is, not what to add.
type queue struct {
	dir string

	mu      sync.Mutex
	file    *os.File
	size    int64
	last    int64             // the number of the last write
	pending []slot            // where the waiting writes are
	params  map[string]string // the values of the params that wait, by run and name
	empty   chan struct{}     // closed while nothing waits
	filled  chan struct{}     // receives after a write came
	stopped chan struct{}     // closed when nothing will be sent any more
}

// slot is where a waiting write lies in the file.
type slot struct {
	seq, offset, length int64
}

// queuedWrite is one write.
type queuedWrite struct {
	Seq    int64       `json:"seq"`
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body,omitempty"`
	File   string      `json:"file,omitempty"` // in the task's folder, when the body is large
	Run    string      `json:"run,omitempty"`
	What   string      `json:"what"`
}

// queuedFrame is what a frame of the file holds: a write, or the news that the
// server has one.
type queuedFrame struct {
	Write *queuedWrite `json:"write,omitempty"`
	Done  int64        `json:"done,omitempty"`
}

// queuedBodies begins the names of bodies that wait.
const queuedBodies = "queued-"

func openQueue(dir string) (*queue, error) {
	file, err := os.OpenFile(filepath.Join(dir, "queue"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	q := &queue{dir: dir, file: file, params: map[string]string{}, empty: make(chan struct{}), filled: make(chan struct{}, 1), stopped: make(chan struct{})}
	bodies := map[string]bool{}
	offset := int64(0)
	q.size, err = readFrames(bufio.NewReader(file), func(content []byte) bool {
		var entry queuedFrame
		if json.Unmarshal(content, &entry) != nil {
			return false
		}
		if entry.Write != nil {
			q.last = entry.Write.Seq
			q.pending = append(q.pending, slot{entry.Write.Seq, offset, int64(len(content))})
			bodies[entry.Write.File] = true
		}
		for len(q.pending) > 0 && q.pending[0].seq <= entry.Done {
			q.pending = q.pending[1:]
		}
		offset += frameHead + int64(len(content))
		return true
	})
	if err == nil {
		err = errors.Join(file.Truncate(q.size), syncFolder(dir))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the relay's queue: %w", err), file.Close())
	}
	q.forget(bodies)
	if len(q.pending) == 0 {
		close(q.empty)
	} else {
		wake(q.filled)
	}
	return q, nil
}

// forget removes bodies that no write refers to.
func (q *queue) forget(known map[string]bool) {
	found, _ := filepath.Glob(filepath.Join(q.dir, queuedBodies+"*"))
	for _, path := range found {
		if !known[filepath.Base(path)] {
			os.Remove(path)
		}
	}
}

func (q *queue) close() error { return q.file.Close() }

// waits reports whether writes are waiting.
func (q *queue) waits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.pending) > 0
}

// errStopped is what those are told that wait for a queue which moves no more.
var errStopped = errors.New("the runner sends nothing any more: its task is gone")

// idle returns once nothing waits.
func (q *queue) idle(ctx context.Context) error {
	for {
		q.mu.Lock()
		empty, waits := q.empty, len(q.pending) > 0
		q.mu.Unlock()
		if !waits {
			return nil
		}
		select {
		case <-empty:
		case <-q.stopped:
			return errStopped
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// add stores a write durably, behind those that wait. A param that waits with
// another value is refused, as the server would.
func (q *queue) add(w queuedWrite, body *spooled, params []paramOf) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range params {
		if before, known := q.params[p.key()]; known && before != p.Value {
			return p.changed(before)
		}
	}
	w.Seq, w.Body = q.last+1, body.head
	if body.path != "" {
		w.File = fmt.Sprintf("%s%d", queuedBodies, w.Seq)
		if err := body.keep(filepath.Join(q.dir, w.File)); err != nil {
			return errors.Join(err, os.RemoveAll(filepath.Join(q.dir, w.File)))
		}
	}
	place, err := q.store(w)
	if err != nil {
		return err
	}
	if len(q.pending) == 0 {
		q.empty = make(chan struct{})
	}
	q.last = w.Seq
	q.pending = append(q.pending, place)
	for _, p := range params {
		q.params[p.key()] = p.Value
	}
	wake(q.filled)
	return nil
}

func (q *queue) store(w queuedWrite) (slot, error) {
	content, err := json.Marshal(queuedFrame{Write: &w})
	if err != nil {
		return slot{}, err
	}
	place := slot{w.Seq, q.size, int64(len(content))}
	if err := q.write(frame(content)); err != nil {
		return slot{}, err
	}
	if err := q.file.Sync(); err != nil {
		q.size = place.offset
		return slot{}, errors.Join(fmt.Errorf("write the relay's queue: %w", err), q.file.Truncate(q.size))
	}
	return place, nil
}

// write appends p whole, or not at all.
func (q *queue) write(p []byte) error {
	if _, err := q.file.WriteAt(p, q.size); err != nil {
		return errors.Join(fmt.Errorf("write the relay's queue: %w", err), q.file.Truncate(q.size))
	}
	q.size += int64(len(p))
	return nil
}

// first returns the write that waits longest; ok is false when none does.
func (q *queue) first() (w queuedWrite, ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) == 0 {
		return w, false, nil
	}
	content := make([]byte, q.pending[0].length)
	if _, err := q.file.ReadAt(content, q.pending[0].offset+frameHead); err != nil {
		return w, false, fmt.Errorf("read the relay's queue: %w", err)
	}
	var entry queuedFrame
	if err := json.Unmarshal(content, &entry); err != nil || entry.Write == nil {
		return w, false, fmt.Errorf("read the relay's queue at byte %d: %w", q.pending[0].offset, err)
	}
	return *entry.Write, true, nil
}

// done notes that the server has the first write, or has refused it.
func (q *queue) done(w queuedWrite) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = q.pending[1:]
	var err error
	if len(q.pending) == 0 {
		q.size, q.params = 0, map[string]string{}
		err = q.file.Truncate(0)
		close(q.empty)
	} else {
		content, _ := json.Marshal(queuedFrame{Done: w.Seq})
		err = q.write(frame(content))
	}
	if w.File != "" {
		os.Remove(filepath.Join(q.dir, w.File))
	}
	return err
}

// ship sends what comes until ctx ends. refused is told of each write that the
// server does not take, and why.
func (q *queue) ship(ctx context.Context, s *server, refused func(w queuedWrite, why string)) {
	defer close(q.stopped)
	for {
		w, ok, err := q.first()
		if err != nil {
			s.log.Error("the relay's queue is stuck", "error", err)
			return
		}
		if !ok {
			select {
			case <-q.filled:
				continue
			case <-ctx.Done():
				return
			}
		}
		why, err := q.send(ctx, s, w)
		if err != nil {
			s.log.Warn("queued writes are not sent any more", "error", err) // ctx ended, or the task's folder is gone
			return
		}
		if why != "" {
			refused(w, why)
		}
		if err := q.done(w); err != nil {
			s.log.Warn("note that a queued write was sent", "error", err)
		}
	}
}

// send returns why the server refused the write; it is empty when it did not.
func (q *queue) send(ctx context.Context, s *server, w queuedWrite) (why string, err error) {
	out := request{method: w.Method, path: w.Path, header: w.Header, faults: faultTries}
	if w.File != "" {
		out.body = fileContent(filepath.Join(q.dir, w.File))
	} else if len(w.Body) > 0 {
		out.body = content(w.Body)
	}
	response, err := s.send(ctx, out)
	if lost := (*unreadable)(nil); errors.As(err, &lost) {
		return "its content is lost: " + lost.Error(), nil
	}
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if response.StatusCode < 300 {
		return "", nil
	}
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &answer) != nil || answer.Message == "" {
		answer.Message = "it answered " + response.Status
	}
	return answer.Message, nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// paramOf is a param of a run of a workspace.
type paramOf struct {
	scope, run, name string
	Value            string
}

func (p paramOf) key() string { return strings.Join([]string{p.scope, p.run, p.name}, "\x00") }

func (p paramOf) changed(before string) error {
	return mlflow.ParamChanged(p.run, p.name, before, p.Value)
}

// isRefusal reports whether an error is for the client, and not the queue's own.
func isRefusal(err error) bool {
	var public *atelier.Error
	return errors.As(err, &public)
}

package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/logs"
)

// Names of a task's logs, as users see them.
const (
	commandLog     = job.CommandLog
	environmentLog = job.EnvironmentLog
	runnerLog      = job.RunnerLog
)

// stream is one log: a file that is written here and shipped from, so that a
// command may print a gigabyte while the server is away.
type stream struct {
	name    string
	file    *os.File
	size    atomic.Int64
	changed chan struct{} // receives after a write

	mu       sync.Mutex
	redactor *redactor     // nil while there is nothing to hide
	budget   *rate.Limiter // of what is written; nil for any amount
	dropped  int64         // what was beyond the budget, since the last that was not
	trimmed  int64         // of the beginning, which the disk has back
}

const (
	// A service prints for as long as it runs: at most so many bytes a second are kept,
	// so many at once, and so many of what the server has already.
	printRate  = 1 << 20
	printBurst = 8 << 20
	printKept  = 16 << 20
)

// bound keeps the stream from taking the machine's disk, and from keeping the server
// busy, however much is written to it.
func (s *stream) bound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget = rate.NewLimiter(printRate, printBurst)
}

// sent says that the server has all up to the offset.
func (s *stream) sent(offset int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.budget == nil || offset-s.trimmed < 2*printKept {
		return nil
	}
	s.trimmed = offset - printKept
	return logs.Trim(s.file, s.trimmed)
}

// withinBudget reports whether size more bytes are kept, and notes in the stream what
// was not before them.
func (s *stream) withinBudget(size int) (bool, error) {
	if s.budget != nil && !s.budget.AllowN(time.Now(), size) {
		s.dropped += int64(size)
		return false, nil
	}
	if s.dropped == 0 {
		return true, nil
	}
	note := fmt.Sprintf("\n[%d bytes are left out: more than %d a second were printed]\n", s.dropped, printRate)
	s.dropped = 0
	_, err := s.append([]byte(note))
	return true, err
}

func openStream(dir, name string) (*stream, error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s := &stream{name: name, file: file, changed: make(chan struct{}, 1)}
	s.size.Store(info.Size())
	return s, nil
}

// hide masks what p finds in all that is written from now on.
func (s *stream) hide(p *patterns) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redactor = &redactor{patterns: p}
}

// Write appends p, without the task's secrets. What may be the beginning of one
// waits for the next piece.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if within, err := s.withinBudget(len(p)); !within || err != nil {
		return len(p), err
	}
	if s.redactor == nil {
		return s.append(p)
	}
	if _, err := s.append(s.redactor.push(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes what waits, because nothing more will come.
func (s *stream) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redactor == nil {
		return nil
	}
	_, err := s.append(s.redactor.rest())
	return err
}

// append writes p. The file is not synced: a machine that loses power loses the
// command too, and with it the reason to keep its last line.
func (s *stream) append(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.size.Add(int64(n))
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return n, err
}

// streams are the logs of a task.
type streams struct {
	command, environment, runner *stream
	// ranks are those of the command's processes; the first is command.
	ranks []*stream
}

// openStreams opens the logs of a task whose command is so many processes.
func openStreams(dir string, processes int) (*streams, error) {
	command, err1 := openStream(dir, commandLog)
	environment, err2 := openStream(dir, environmentLog)
	runner, err3 := openStream(dir, runnerLog)
	s := &streams{command, environment, runner, []*stream{command}}
	err := errors.Join(err1, err2, err3)
	for rank := 1; rank < processes && err == nil; rank++ {
		var log *stream
		log, err = openStream(dir, job.ProcessLog(rank))
		s.ranks = append(s.ranks, log)
	}
	return s, err
}

func (s *streams) all() []*stream {
	return append([]*stream{s.environment, s.runner}, s.ranks...)
}

// hide masks what p finds in all logs.
func (s *streams) hide(p *patterns) {
	for _, log := range s.all() {
		log.hide(p)
	}
}

func (s *streams) flush() (err error) {
	for _, log := range s.all() {
		err = errors.Join(err, log.flush())
	}
	return err
}

func (s *streams) close() (err error) {
	for _, log := range s.all() {
		err = errors.Join(err, log.file.Close())
	}
	return err
}

package runner

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/atelier-ml/atelier/internal/job"
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
	redactor *redactor // nil while there is nothing to hide
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

// Package process starts the servers that are measured, and reads what they use
// of the machine from /proc.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a server may take to start or to stop: MLflow's takes
// minutes on a machine that is busy.
const patience = 5 * time.Minute

// Server is a running server and where it keeps its data.
type Server struct {
	URL    string
	Token  string        // empty when the server knows no users
	Data   string        // its data folder
	Took   time.Duration // from its start to its first answer
	ended  chan error
	leader *os.Process
}

// Command describes a server that listens where it is told to.
type Command struct {
	Path    string
	Args    func(address, data string) []string
	Env     []string
	Healthy string // the path that answers once the server is ready
}

// Start runs the command over the folder and returns once it answers. What it
// prints goes to a file there.
func (c Command) Start(ctx context.Context, folder string) (*Server, error) {
	path, err := filepath.Abs(c.Path) // it does not work in this folder
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + address, Data: filepath.Join(folder, "data")}
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, err
	}
	words, err := os.Create(filepath.Join(folder, "output.txt"))
	if err != nil {
		return nil, err
	}
	defer words.Close()
	command := exec.Command(path, c.Args(address, s.Data)...)
	command.Dir, command.Env = s.Data, append(os.Environ(), c.Env...)
	command.Stdout, command.Stderr = words, words
	if err := s.run(command, func() error { return s.untilHealthy(ctx, c.Healthy) }); err != nil {
		said, _ := os.ReadFile(words.Name())
		return nil, fmt.Errorf("start %s: %w\n%s", path, err, said)
	}
	return s, nil
}

// run starts a command in a process group of its own, so that all of it can be
// ended, and waits until ready returns.
func (s *Server) run(command *exec.Cmd, ready func() error) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := command.Start(); err != nil {
		return err
	}
	s.leader, s.ended = command.Process, make(chan error, 1)
	go func() { s.ended <- command.Wait() }()
	if err := ready(); err != nil {
		return errors.Join(err, s.Stop())
	}
	s.Took = time.Since(began)
	return nil
}

func (s *Server) untilHealthy(ctx context.Context, path string) error {
	for began := time.Now(); time.Since(began) < patience; time.Sleep(20 * time.Millisecond) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.ended:
			s.ended <- err
			return errors.Join(errors.New("the server ended"), err)
		default:
		}
		if answers(ctx, s.URL+path) {
			return nil
		}
	}
	return errors.New("the server did not answer within five minutes")
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

// Stop asks the server to end and waits until it has, so that its database is
// closed.
func (s *Server) Stop() error {
	syscall.Kill(-s.leader.Pid, syscall.SIGTERM)
	select {
	case err := <-s.ended: // some servers call it a failure to be stopped
		s.ended <- err // it may be stopped again
		return nil
	case <-time.After(patience):
		syscall.Kill(-s.leader.Pid, syscall.SIGKILL)
		s.ended <- <-s.ended
		return errors.New("the server did not stop within five minutes and was killed")
	}
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

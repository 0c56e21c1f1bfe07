package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
	// faultTries is how often a request is repeated that the server answers with
	// a fault of its own. A server that does not answer is waited for without end.
	faultTries = 12
)

// server is the way to the server, which may go away at any moment and come
// back at another address.
type server struct {
	workspace string // the path of the task's workspace in the native API
	file      string
	dir       string
	log       *slog.Logger
	client    *http.Client

	mu      sync.Mutex
	address string
	token   string
	away    bool
}

func newServer(task compute.Task, dir string, log *slog.Logger) *server {
	transport := &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute, DisableCompression: true}
	s := &server{
		workspace: "/api/v1/workspaces/" + url.PathEscape(task.Workspace),
		file:      task.ServerFile, dir: dir, log: log, address: task.ServerURL, token: task.Token,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if renewed, err := os.ReadFile(s.tokenFile()); err == nil {
		s.token = string(renewed)
	}
	s.look()
	return s
}

func (s *server) tokenFile() string { return filepath.Join(s.dir, "token") }

// look reads where the server listens now.
func (s *server) look() {
	content, err := os.ReadFile(s.file)
	if err != nil {
		return
	}
	var now struct {
		URL string `json:"url"`
	}
	if json.Unmarshal(content, &now) == nil && now.URL != "" {
		s.mu.Lock()
		s.address = strings.TrimSuffix(now.URL, "/")
		s.mu.Unlock()
	}
}

// renew keeps a new token, for this runner and for one after it.
func (s *server) renew(token string) {
	if err := os.WriteFile(s.tokenFile(), []byte(token), 0o600); err != nil {
		s.log.Warn("keep the renewed token", "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// request is one HTTP request that can be sent again.
type request struct {
	method string
	path   string // from the root of the server, with the query
	header http.Header
	// body opens the content anew for every try; nil for none.
	body func() (io.ReadCloser, int64, error)
	// faults is how often a fault of the server is tried again.
	faults int
}

// send sends until somebody answers. It returns the answer, whatever its
// status, or an error once ctx ends or the task's folder is gone.
func (s *server) send(ctx context.Context, r request) (*http.Response, error) {
	pause, faults := firstPause, 0
	for {
		response, err := s.try(ctx, r)
		if err == nil && response.StatusCode < 500 {
			s.note(false, nil)
			return response, nil
		}
		if err == nil {
			if faults++; faults > r.faults || response.StatusCode == http.StatusNotImplemented {
				return response, nil
			}
			io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16))
			response.Body.Close()
		} else if lost := (*unreadable)(nil); errors.As(err, &lost) {
			return nil, err
		} else {
			s.note(true, err)
		}
		if err := s.wait(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(pause*2, lastPause)
		s.look()
	}
}

// unreadable is a request's body that cannot be opened: no fault of the server.
type unreadable struct{ error }

func (u *unreadable) Unwrap() error { return u.error }

func (s *server) wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if _, err := os.Stat(filepath.Join(s.dir, compute.TaskFile)); errors.Is(err, os.ErrNotExist) {
		return errors.New("the task's folder was removed")
	}
	return nil
}

// note says once that the server went away, and once that it is back.
func (s *server) note(away bool, cause error) {
	s.mu.Lock()
	changed := s.away != away
	s.away = away
	s.mu.Unlock()
	if changed && away {
		s.log.Warn("the server is away; the runner goes on and tries again", "error", cause)
	} else if changed {
		s.log.Info("the server is back")
	}
}

func (s *server) try(ctx context.Context, r request) (*http.Response, error) {
	s.mu.Lock()
	address, token := s.address, s.token
	s.mu.Unlock()
	var body io.ReadCloser
	var size int64
	if r.body != nil {
		var err error
		if body, size, err = r.body(); err != nil {
			return nil, &unreadable{err}
		}
	}
	request, err := http.NewRequestWithContext(ctx, r.method, address+r.path, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = size
	for key, values := range r.header {
		request.Header[key] = values
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return s.client.Do(request)
}

// call sends a request of the runner itself to the task's workspace and reads
// the JSON answer into out, if it is not nil. All of these requests may be
// repeated, so an answer that breaks off is asked for again.
func (s *server) call(ctx context.Context, method, path string, body func() (io.ReadCloser, int64, error), out any) error {
	return s.exchange(ctx, s.own(method, path, body, faultTries), out)
}

// tell is call for news of the task, which are repeated for as long as the server
// has a fault of its own: its disk is full, or others hold its database.
func (s *server) tell(ctx context.Context, method, path string, body func() (io.ReadCloser, int64, error), out any) error {
	return s.exchange(ctx, s.own(method, path, body, math.MaxInt), out)
}

func (s *server) exchange(ctx context.Context, r request, out any) error {
	for {
		response, err := s.answer(ctx, r)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && out != nil {
			return json.Unmarshal(text, out)
		}
		if err == nil {
			return nil
		}
		if err := s.wait(ctx, firstPause); err != nil {
			return err
		}
	}
}

// own makes a request of the runner itself to the task's workspace.
func (s *server) own(method, path string, body func() (io.ReadCloser, int64, error), faults int) request {
	header := http.Header{}
	if method == http.MethodPost {
		header.Set("Content-Type", "application/json")
	} else if body != nil {
		header.Set("Content-Type", "application/octet-stream")
	}
	return request{method: method, path: s.workspace + path, header: header, body: body, faults: faults}
}

// open is call for an answer that is not JSON. The caller closes its body.
func (s *server) open(ctx context.Context, method, path string, body func() (io.ReadCloser, int64, error)) (*http.Response, error) {
	return s.answer(ctx, s.own(method, path, body, faultTries))
}

// answer is the answer to a request, if it is a good one.
func (s *server) answer(ctx context.Context, r request) (*http.Response, error) {
	response, err := s.send(ctx, r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		defer response.Body.Close()
		return nil, readError(response)
	}
	return response, nil
}

func readError(response *http.Response) error {
	var answer struct {
		Error atelier.Error `json:"error"`
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if json.Unmarshal(text, &answer) == nil && answer.Error.Message != "" {
		return &answer.Error
	}
	return atelier.Errorf(atelier.Internal, "The server answered %s: %s", response.Status, atelier.Clip(string(text), 200))
}

// content is the body of a request that is in memory.
func content(text []byte) func() (io.ReadCloser, int64, error) {
	return func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(text)), int64(len(text)), nil
	}
}

// fileContent is the body of a request that is a file.
func fileContent(path string) func() (io.ReadCloser, int64, error) {
	return func() (io.ReadCloser, int64, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		info, err := file.Stat()
		if err != nil {
			return nil, 0, errors.Join(err, file.Close())
		}
		// The file may grow while it is read; what it has now is what is sent.
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(file, info.Size()), file}, info.Size(), nil
	}
}

package runner

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/atelier-ml/atelier"
)

// relay is the server as the task's own processes see it: an address on
// loopback that forwards to the real one, with the task's token in place of the
// relay's own secret. While the server is away, requests wait.
type relay struct {
	server *server
	secret string
	dir    string
	http   *http.Server
	url    string
}

const (
	// heldInMemory is how much of a request's or an answer's body is kept in
	// memory; more goes to a file, or is passed on as it comes.
	heldInMemory = 1 << 20
	// relayTries is how often a fault of a living server is tried again.
	relayTries = 6
)

func startRelay(s *server, dir string) (*relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{server: s, secret: atelier.NewSecret("relay_"), dir: dir, url: "http://" + listener.Addr().String()}
	r.http = &http.Server{Handler: r}
	go r.http.Serve(listener)
	return r, nil
}

func (r *relay) close() error { return r.http.Close() }

func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if !r.allowed(request) {
		http.Error(w, `{"error_code":"UNAUTHENTICATED","message":"Only the job's own processes may use its relay."}`, http.StatusUnauthorized)
		return
	}
	if runnersOwn.MatchString(request.URL.Path) {
		http.Error(w, `{"error_code":"PERMISSION_DENIED","message":"Only the runner reports on its task."}`, http.StatusForbidden)
		return
	}
	body, err := spool(request.Body, r.dir)
	if err != nil {
		http.Error(w, `{"error_code":"BAD_REQUEST","message":"The request's body broke off."}`, http.StatusBadRequest)
		return
	}
	defer body.remove()
	r.forward(w, request, body)
}

// runnersOwn are the routes by which a runner tells the server of its task. The
// token that the relay adds opens them, and the task's script has no business there.
var runnersOwn = regexp.MustCompile(`^/api/v1/workspaces/[^/]*/tasks/`)

// allowed accepts the secret as a bearer token and, for clients that know
// nothing else, as a password.
func (r *relay) allowed(request *http.Request) bool {
	given := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	if _, password, ok := request.BasicAuth(); ok {
		given = password
	}
	return subtle.ConstantTimeCompare([]byte(given), []byte(r.secret)) == 1
}

// forward sends the request until it is answered. An answer that breaks off
// early, because the server was killed while it spoke, is asked for again; only
// one that is too large to hold is passed on as it comes.
func (r *relay) forward(w http.ResponseWriter, in *http.Request, body *spooled) {
	out := request{method: in.Method, path: in.URL.RequestURI(), header: endToEnd(in.Header), faults: relayTries}
	if body.size > 0 || in.ContentLength > 0 {
		out.body = body.open
	}
	for {
		response, err := r.server.send(in.Context(), out)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				http.Error(w, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The server is away."}`, http.StatusServiceUnavailable)
			}
			return
		}
		head, err := io.ReadAll(io.LimitReader(response.Body, heldInMemory))
		if err != nil && in.Method != http.MethodHead {
			response.Body.Close()
			if r.server.wait(in.Context(), firstPause) != nil {
				return
			}
			continue
		}
		answer(w, response, head)
		return
	}
}

func answer(w http.ResponseWriter, response *http.Response, head []byte) {
	defer response.Body.Close()
	for key, values := range endToEnd(response.Header) {
		w.Header()[key] = values
	}
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, io.MultiReader(bytes.NewReader(head), response.Body)); err != nil {
		panic(http.ErrAbortHandler) // the reader must not take a part for the whole
	}
}

// endToEnd copies a header without what concerns one connection alone.
func endToEnd(header http.Header) http.Header {
	kept := header.Clone()
	for _, name := range strings.Split(header.Get("Connection"), ",") {
		kept.Del(strings.TrimSpace(name))
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Authorization", "Cookie", "Expect"} {
		kept.Del(name)
	}
	return kept
}

// spooled is a request's body, kept so that it can be sent again.
type spooled struct {
	head []byte
	path string // the whole body, when it does not fit in memory
	size int64
}

func spool(body io.Reader, dir string) (*spooled, error) {
	head, err := io.ReadAll(io.LimitReader(body, heldInMemory+1))
	if err != nil || len(head) <= heldInMemory {
		return &spooled{head: head, size: int64(len(head))}, err
	}
	file, err := os.CreateTemp(dir, "request-")
	if err != nil {
		return nil, err
	}
	s := &spooled{path: file.Name()}
	s.size, err = io.Copy(file, io.MultiReader(bytes.NewReader(head), body))
	if err = errors.Join(err, file.Close()); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

func (s *spooled) open() (io.ReadCloser, int64, error) {
	if s.path == "" {
		return io.NopCloser(bytes.NewReader(s.head)), s.size, nil
	}
	file, err := os.Open(s.path)
	return file, s.size, err
}

func (s *spooled) remove() {
	if s.path != "" {
		os.Remove(s.path)
	}
}

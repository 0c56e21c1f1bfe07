package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
)

// door is how people come to a command while it runs: to a shell beside it, and to
// the services that were asked for. It is a socket in the task's folder, which only
// the server and the task itself can open; the server lets in whom it may.
type door struct {
	r        *runner
	place    *place
	listener net.Listener
	http     *http.Server

	mu       sync.Mutex
	services map[string]*besideService
}

// openDoor opens the door, and starts the services behind it. What keeps it from
// opening is no reason for the command not to run.
func (r *runner) openDoor(p *place) (*door, error) {
	listener, err := listenIn(r.dir, compute.SocketFile)
	if err != nil {
		return nil, err
	}
	d := &door{r: r, place: p, listener: listener, services: map[string]*besideService{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /shell", d.shell)
	mux.HandleFunc("GET /services", d.list)
	mux.HandleFunc("/services/{service}/{path...}", d.pass)
	d.http = &http.Server{Handler: mux}
	for name, asked := range r.task.Services {
		d.begin(name, asked)
	}
	go d.http.Serve(listener)
	return d, nil
}

// listenIn listens at the Unix socket name in folder. Where the path is too long for
// a socket's address, Linux reaches it through an open handle of the folder.
func listenIn(folder, name string) (net.Listener, error) {
	const longest = 100
	path := filepath.Join(folder, name)
	os.Remove(path) // an earlier runner's
	if len(path) <= longest || runtime.GOOS != "linux" {
		return net.Listen("unix", path)
	}
	handle, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	listener, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/%s", handle.Fd(), name))
	if err == nil {
		listener.(*net.UnixListener).SetUnlinkOnClose(false) // the handle is another by then
	}
	return listener, err
}

// close shuts the door: what was let in is ended with the command's own processes.
func (d *door) close() {
	if d != nil {
		d.http.Close()
	}
}

func (d *door) list(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	found := []compute.ServiceState{}
	for _, s := range d.services {
		found = append(found, s.state)
	}
	d.mu.Unlock()
	slices.SortFunc(found, func(a, b compute.ServiceState) int { return cmp.Compare(a.Name, b.Name) })
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(found)
}

// pass forwards a request to a service, as if it came from this machine.
func (d *door) pass(w http.ResponseWriter, req *http.Request) {
	d.mu.Lock()
	s, port := d.services[req.PathValue("service")], 0
	if s != nil {
		port = s.port
	}
	d.mu.Unlock()
	if port == 0 {
		http.Error(w, "there is no such service", http.StatusNotFound)
		return
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {
			host := net.JoinHostPort(meetingHost, strconv.Itoa(port))
			out.SetURL(&url.URL{Scheme: "http", Host: host})
			out.Out.URL.Path, out.Out.URL.RawPath = "/"+req.PathValue("path"), ""
			out.Out.Host = host
			out.Out.Header.Del("Origin") // the service stands behind one of our own
			out.Out.Header.Del("Referer")
			if s.secret != "" {
				out.Out.Header.Set("Authorization", "token "+s.secret)
			}
		},
		Transport:     &http.Transport{DialContext: d.patient(s), DisableKeepAlives: true, DisableCompression: true},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "the service does not answer: "+strings.TrimSpace(err.Error()), http.StatusServiceUnavailable)
		},
	}
	proxy.ServeHTTP(w, req)
}

const (
	// serviceStart is how long a service may take until it listens, and lookAgain how
	// often it is tried.
	serviceStart = time.Minute
	lookAgain    = 50 * time.Millisecond
)

// patient connects to a service, which may only just have been started.
func (d *door) patient(s *besideService) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, serviceStart)
		defer cancel()
		for {
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, network, address)
			if err == nil || !errors.Is(err, syscall.ECONNREFUSED) || !d.alive(s) {
				return conn, err
			}
			select {
			case <-ctx.Done():
				return nil, err
			case <-time.After(lookAgain):
			}
		}
	}
}

func (d *door) alive(s *besideService) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return s.state.Status == compute.ServiceRunning
}

// Command router measures what the way through the server adds to a scoring
// request: the same trivial request goes to the worker's own socket and, in
// turn, through HTTP and the router, and the difference is what the user pays
// for keys, traffic, limits and metrics.
//
//	go run ./test/bench/router [-bin bin/atelier] [-requests 3000] [-callers 1]
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

const script = "def init():\n    pass\n\ndef run(raw):\n    return 1\n"

const question = `{"data": [[1, 2, 3]]}`

func main() {
	bin := flag.String("bin", "bin/atelier", "the program to measure")
	requests := flag.Int("requests", 3000, "how many requests of each kind")
	callers := flag.Int("callers", 1, "how many callers at once")
	flag.Parse()
	if err := measure(*bin, *requests, *callers); err != nil {
		fmt.Fprintln(os.Stderr, "router:", err)
		os.Exit(1)
	}
}

func measure(bin string, requests, callers int) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "atelier-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(bin, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.deploy(callers); err != nil {
		return err
	}
	direct, through := make([][]time.Duration, callers), make([][]time.Duration, callers)
	failures := make([]error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() { direct[i], through[i], failures[i] = s.call(requests / callers) })
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	worker, router := timing.Sorted(direct...), timing.Sorted(through...)
	fmt.Printf("%-36s %10s %10s\n", fmt.Sprintf("%d requests, %d at once", len(worker), callers), "median", "p99")
	show("worker alone, on its socket", worker)
	show("through HTTP and the router", router)
	fmt.Printf("%-36s %7.3f ms %7.3f ms\n", "added", at(router, 50)-at(worker, 50), at(router, 99)-at(worker, 99))
	return nil
}

func show(what string, times timing.Times) {
	fmt.Printf("%-36s %7.3f ms %7.3f ms\n", what, at(times, 50), at(times, 99))
}

// at returns a percentile in milliseconds.
func at(times timing.Times, percent float64) float64 { return timing.Milliseconds(times.At(percent)) }

// server is a running server with one endpoint.
type server struct {
	*process.Server
	key    string
	socket string
}

func start(bin, dir string) (*server, error) {
	started, err := process.StartAtelier(context.Background(), bin, dir)
	if err != nil {
		return nil, err
	}
	return &server{Server: started, socket: filepath.Join(started.Data, "tasks", "*", "worker.sock")}, nil
}

// stop deletes the endpoint first, whose workers would outlive the server.
func (s *server) stop() {
	s.ask("DELETE", "/online-endpoints/bench", nil, nil)
	for range 500 {
		if sockets, _ := filepath.Glob(s.socket); len(sockets) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Stop()
}

// deploy puts the trivial script behind an endpoint and waits until it answers.
func (s *server) deploy(callers int) error {
	sum := sha256.Sum256([]byte(script))
	hash := hex.EncodeToString(sum[:])
	var tree struct {
		ID string `json:"id"`
	}
	var keys struct {
		PrimaryKey string `json:"primary_key"`
	}
	file := map[string]any{"path": "score.py", "sha256": hash, "size": len(script)}
	err := errors.Join(s.send("PUT", "/blobs/"+hash, []byte(script), nil),
		s.ask("POST", "/trees", map[string]any{"files": []any{file}}, &tree),
		s.ask("POST", "/online-endpoints", map[string]any{"name": "bench"}, nil),
		s.ask("GET", "/online-endpoints/bench/credentials", nil, &keys))
	if err != nil {
		return err
	}
	s.key = keys.PrimaryKey
	deployment := map[string]any{"name": "blue", "environment": "system",
		"request_settings":   map[string]int{"max_concurrent_requests_per_instance": callers},
		"code_configuration": map[string]string{"code": "azureml:" + tree.ID + ":1", "scoring_script": "score.py"}}
	if err := s.ask("POST", "/online-endpoints/bench/deployments?all_traffic=true", deployment, nil); err != nil {
		return err
	}
	for range 1000 {
		if _, err := s.score(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("the deployment was never ready")
}

func (s *server) ask(method, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.send(method, path, text, out)
}

func (s *server) send(method, path string, body []byte, out any) error {
	request, err := http.NewRequest(method, s.URL+"/api/v1/workspaces/default"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.Token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s %s", method, path, answer.Status, text)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(text, out)
	}
	return err
}

// call asks the worker and the server in turn, so that both see the same machine.
func (s *server) call(requests int) (direct, through []time.Duration, err error) {
	sockets, err := filepath.Glob(s.socket)
	if err != nil || len(sockets) != 1 {
		return nil, nil, fmt.Errorf("%d sockets: %v", len(sockets), err)
	}
	conn, err := net.Dial("unix", sockets[0])
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	const warm = 100
	for i := range requests + warm {
		began := time.Now()
		if err := exchange(conn, reader); err != nil {
			return nil, nil, err
		}
		alone := time.Since(began)
		whole, err := s.score()
		if err != nil {
			return nil, nil, err
		}
		if i >= warm {
			direct, through = append(direct, alone), append(through, whole)
		}
	}
	return direct, through, nil
}

// exchange sends one frame to the worker and reads the answer.
func exchange(conn net.Conn, reader *bufio.Reader) error {
	header := []byte(`{"method":"POST","path":"/score","query":"","headers":{"content-type":"application/json"},"timeout_ms":5000,"request_id":"bench"}`)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(header)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(question)))
	if _, err := conn.Write(append(append(frame, header...), question...)); err != nil {
		return err
	}
	var sizes [2]uint32
	if err := binary.Read(reader, binary.BigEndian, &sizes); err != nil {
		return err
	}
	_, err := reader.Discard(int(sizes[0] + sizes[1]))
	return err
}

// score sends the request through the server.
func (s *server) score() (time.Duration, error) {
	request, err := http.NewRequest("POST", s.URL+"/workspaces/default/endpoints/bench/score", strings.NewReader(question))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+s.key)
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	took := time.Since(began)
	if err == nil && (answer.StatusCode != 200 || string(text) != "1") {
		err = fmt.Errorf("scored %s %s", answer.Status, text)
	}
	return took, err
}

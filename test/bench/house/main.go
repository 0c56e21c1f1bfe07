// Command house measures the server as a whole: how soon it answers, what it
// weighs, and how long a job that does nothing takes from its submission to its
// first line of output. Each figure stands beside what the machine itself needs
// for the least that such a thing must do, measured in the same run, because
// absolute times mean little on a shared machine.
//
//	go run ./test/bench/house [-bin bin/atelier] [-rounds 15]
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	bin := flag.String("bin", "bin/atelier", "the program to measure")
	rounds := flag.Int("rounds", 15, "how often each thing is done")
	flag.Parse()
	if err := measure(*bin, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
}

func measure(bin string, rounds int) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "atelier-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	info, err := os.Stat(bin)
	if err != nil {
		return err
	}
	fmt.Printf("%-44s %8.1f MB\n", "binary", float64(info.Size())/1e6)
	if err := measureStart(bin, dir, rounds); err != nil {
		return err
	}
	return measureJobs(bin, dir, rounds)
}

// measureStart compares the time to the first answer with the time that the
// same program needs to print its version: loading it is the limit.
func measureStart(bin, dir string, rounds int) error {
	load, err := repeat(rounds, func() error { return exec.Command(bin, "version").Run() })
	if err != nil {
		return err
	}
	var fresh, again []time.Duration
	for i := range rounds {
		data := filepath.Join(dir, fmt.Sprintf("start-%d", i))
		for _, list := range []*[]time.Duration{&fresh, &again} {
			s, err := start(bin, data)
			if err != nil {
				return err
			}
			*list = append(*list, s.took)
			s.stop()
		}
	}
	report("program loaded (atelier version)", load, nil)
	report("start to first answer, new data folder", fresh, load)
	report("start to first answer, existing data folder", again, load)
	return nil
}

func measureJobs(bin, dir string, rounds int) error {
	s, err := start(bin, filepath.Join(dir, "jobs"))
	if err != nil {
		return err
	}
	defer s.stop()
	time.Sleep(2 * time.Second)
	fmt.Printf("%-44s %8.1f MB\n", "memory of an idle server", float64(s.memory())/1e6)
	spawn, err := repeat(rounds, func() error { return exec.Command("sh", "-c", "echo ready").Run() })
	if err != nil {
		return err
	}
	if _, err := s.firstLine(); err != nil { // makes the environment ready
		return err
	}
	var jobs []time.Duration
	for range rounds {
		took, err := s.firstLine()
		if err != nil {
			return err
		}
		jobs = append(jobs, took)
	}
	report("shell started (sh -c 'echo ready')", spawn, nil)
	report("job submitted to first line of output", jobs, spawn)
	return nil
}

// server is a running server of the benchmark's own.
type server struct {
	command *exec.Cmd
	url     string
	token   string
	took    time.Duration
}

// start runs the server and returns once it has answered.
func start(bin, data string) (*server, error) {
	config := filepath.Join(filepath.Dir(data), "config-"+filepath.Base(data))
	command := exec.Command(bin, "up", "--port", "0", "--data-dir", data, "--log-level", "error")
	command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+config)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(output)
	if !lines.Scan() {
		return nil, errors.Join(errors.New("the server said nothing"), command.Wait())
	}
	go io.Copy(io.Discard, output)
	s := &server{command: command, url: lines.Text()[strings.LastIndex(lines.Text(), " ")+1:]}
	answer, err := http.Get(s.url + "/api/v1/server")
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	s.took = time.Since(began)
	return s, s.readToken(filepath.Join(config, "atelier", "credentials.json"))
}

func (s *server) readToken(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	tokens := map[string]string{}
	if err := json.Unmarshal(text, &tokens); err != nil {
		return err
	}
	for _, token := range tokens {
		s.token = token
	}
	return nil
}

func (s *server) stop() {
	s.command.Process.Signal(syscall.SIGTERM)
	s.command.Wait()
}

// memory is the resident memory in bytes.
func (s *server) memory() int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 0
}

// firstLine submits a job that only prints and waits for the line.
func (s *server) firstLine() (time.Duration, error) {
	began := time.Now()
	body, err := s.call("POST", "/jobs", `{"command": "echo ready", "environment": {"pip_requirements": "# nothing"}}`)
	if err != nil {
		return 0, err
	}
	var job struct{ Name string }
	err = json.NewDecoder(body).Decode(&job)
	body.Close()
	if err != nil {
		return 0, err
	}
	stream, err := s.call("GET", "/jobs/"+job.Name+"/logs/stream", "")
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	var took time.Duration
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		if took == 0 && strings.HasPrefix(lines.Text(), "data:") && strings.Contains(lines.Text(), "ready") {
			took = time.Since(began)
		}
	}
	if took == 0 {
		return 0, fmt.Errorf("the job %s ended without a line", job.Name)
	}
	return took, nil
}

func (s *server) call(method, path, body string) (io.ReadCloser, error) {
	req, err := http.NewRequest(method, s.url+"/api/v1/workspaces/default"+path, bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("%s %s: %s %s", method, path, answer.Status, text)
	}
	return answer.Body, nil
}

func repeat(rounds int, fn func() error) ([]time.Duration, error) {
	var times []time.Duration
	for range rounds {
		began := time.Now()
		if err := fn(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	return times, nil
}

// report prints minimum, median and maximum, and the median's ratio to the
// limit's.
func report(name string, times, limit []time.Duration) {
	slices.Sort(times)
	slices.Sort(limit)
	ratio := ""
	if limit != nil {
		ratio = fmt.Sprintf("  %5.1f times the limit", float64(median(times))/float64(median(limit)))
	}
	fmt.Printf("%-44s %8.1f ms median (%.1f to %.1f)%s\n", name, milliseconds(median(times)),
		milliseconds(times[0]), milliseconds(times[len(times)-1]), ratio)
}

func median(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

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
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
	"github.com/atelier-ml/atelier/test/bench/internal/timing"
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
	load, err := timing.Repeat(rounds, func() error { return exec.Command(bin, "version").Run() })
	if err != nil {
		return err
	}
	var fresh, again []time.Duration
	for i := range rounds {
		folder := filepath.Join(dir, fmt.Sprintf("start-%d", i))
		for _, list := range []*[]time.Duration{&fresh, &again} {
			s, err := process.StartAtelier(context.Background(), bin, folder)
			if err != nil {
				return err
			}
			*list = append(*list, s.Took)
			if err := s.Stop(); err != nil {
				return err
			}
		}
	}
	report("program loaded (atelier version)", load, nil)
	report("start to first answer, new data folder", timing.Sorted(fresh), load)
	report("start to first answer, existing data folder", timing.Sorted(again), load)
	return nil
}

func measureJobs(bin, dir string, rounds int) error {
	started, err := process.StartAtelier(context.Background(), bin, filepath.Join(dir, "jobs"))
	if err != nil {
		return err
	}
	s := server{started}
	defer s.Stop()
	time.Sleep(2 * time.Second)
	fmt.Printf("%-44s %8.1f MB\n", "memory of an idle server", float64(s.Usage().Memory)/1e6)
	spawn, err := timing.Repeat(rounds, func() error { return exec.Command("sh", "-c", "echo ready").Run() })
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
	report("job submitted to first line of output", timing.Sorted(jobs), spawn)
	return nil
}

// server is a running server that jobs are given to.
type server struct{ *process.Server }

// firstLine submits a job that only prints and waits for the line.
func (s server) firstLine() (time.Duration, error) {
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

func (s server) call(method, path, body string) (io.ReadCloser, error) {
	req, err := http.NewRequest(method, s.URL+"/api/v1/workspaces/default"+path, bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
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

// report prints minimum, median and maximum, and the median's ratio to the
// limit's.
func report(name string, times, limit timing.Times) {
	ratio := ""
	if limit != nil {
		ratio = fmt.Sprintf("  %5.1f times the limit", float64(times.Median())/float64(limit.Median()))
	}
	fmt.Printf("%-44s %8.1f ms median (%.1f to %.1f)%s\n", name, timing.Milliseconds(times.Median()),
		timing.Milliseconds(times.At(0)), timing.Milliseconds(times.At(100)), ratio)
}

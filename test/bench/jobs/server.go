package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/atelier-ml/atelier/test/bench/internal/process"
)

// server is a running server that jobs are given to.
type server struct{ *process.Server }

// run submits a job and waits for its end.
func (s server) run(body string) error {
	name, err := s.submit(body)
	if err != nil {
		return err
	}
	stream, err := s.open("GET", "/jobs/"+name+"/logs/stream", "")
	if err != nil {
		return err
	}
	defer stream.Close()
	ended := false
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		if lines.Text() == "event: end" {
			ended = true
		} else if words, isData := strings.CutPrefix(lines.Text(), "data:"); ended && isData {
			if !strings.Contains(words, "Completed") {
				return fmt.Errorf("the job %s ended otherwise: %s", name, words)
			}
			return nil
		}
	}
	return fmt.Errorf("the log of the job %s came to no end", name)
}

func (s server) submit(body string) (string, error) {
	var job struct{ Name string }
	err := s.call("POST", "/jobs", body, &job)
	return job.Name, err
}

// call reads a JSON answer into out.
func (s server) call(method, path, body string, out any) error {
	answer, err := s.open(method, path, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	text, err := io.ReadAll(answer)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

func (s server) open(method, path, body string) (io.ReadCloser, error) {
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
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("%s %s: %s %s", method, path, answer.Status, text)
	}
	return answer.Body, nil
}

package fault_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A job's life has three parts in which something may die: it is prepared, it
// runs, and what it made is kept. The test holds each of them open.
const (
	preparing  = "preparing"
	running    = "running"
	finalizing = "finalizing"
)

// Whatever dies in whichever part of a job's life: the command is begun at most
// once, the job's end is true, and nothing is left.
func TestKillAtEveryStep(t *testing.T) {
	lost := func(code string) jobAnswer { return ended("Failed", code) }
	tests := []struct {
		step, victims string
		want          jobAnswer
	}{
		{preparing, "server", ended("Completed", "")},
		{preparing, "runner", ended("Completed", "")},
		{preparing, "server and runner", ended("Completed", "")},
		{running, "server", ended("Completed", "")},
		{running, "runner", lost("RunnerLost")},
		{running, "command", lost("UserError")},
		{running, "server and runner", lost("RunnerLost")},
		{running, "server and command", lost("UserError")},
		{finalizing, "server", ended("Completed", "")},
		{finalizing, "server and runner", ended("Completed", "")},
	}
	for _, test := range tests {
		t.Run(test.step+": "+test.victims, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			l := s.liveTo(test.step)
			if l.serverIsDown != strings.Contains(test.victims, "server") {
				s.kill()
			}
			if strings.Contains(test.victims, "runner") {
				s.killOnly("runner")
			}
			if strings.Contains(test.victims, "command") {
				s.killOnly("sleep")
			}
			l.release()
			if strings.Contains(test.victims, "server") {
				s.start()
			}
			s.wantEnd(l, test.want)
		})
	}
}

func ended(status, code string) jobAnswer {
	j := jobAnswer{Status: status}
	if code != "" {
		j.Error = &failureAnswer{Code: code}
	}
	return j
}

// held is a job that is held in a part of its life.
type held struct {
	name         string
	count        string // the file to which the command adds a line when it begins
	release      func() // lets it go on
	serverIsDown bool
}

// liveTo submits a job and returns once it is held in the part called step.
func (s *server) liveTo(step string) held {
	s.t.Helper()
	dir := s.t.TempDir()
	gate := make(chan struct{})
	asked := make(chan struct{}, 16)
	// The input that is asked for and does not come holds the preparation.
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-gate:
		case <-r.Context().Done():
		}
		fmt.Fprintln(w, "data")
	}))
	s.t.Cleanup(away.Close)
	l := held{count: filepath.Join(dir, "count"), release: func() { touch(s.t, filepath.Join(dir, "go")) }}
	if step != preparing {
		close(gate)
	} else {
		l.release = func() { touch(s.t, filepath.Join(dir, "go")); close(gate) }
	}
	var j jobAnswer
	err := s.ask("POST", workspacePath+"/jobs", map[string]any{"environment": "system",
		"inputs": map[string]any{"data": map[string]string{"type": "uri_file", "path": away.URL + "/data.txt"}},
		"command": shell(`echo once >> `+l.count, `cat ${{inputs.data}}`,
			`while [ ! -e `+filepath.Join(dir, "go")+` ]; do sleep 0.05; done`, `seq 3 > outputs/made`, `touch `+filepath.Join(dir, "over"))}, &j)
	if err != nil {
		s.t.Fatal(err)
	}
	l.name = j.Name
	<-asked
	if step == preparing {
		return l
	}
	s.until("the command's first words", func() bool { return s.log(l.name) == "data\n" })
	if step == finalizing { // without a server, what it made stays where it is
		s.kill()
		l.serverIsDown = true
		l.release()
		s.until("the command's end", func() bool {
			journals, _ := filepath.Glob(s.data("tasks", "*", "journal"))
			content, err := os.ReadFile(strings.Join(journals, ""))
			return err == nil && bytes.Contains(content, []byte("Finalizing"))
		})
		l.release = func() {}
	}
	return l
}

// killOnly kills the runner, or the processes of the command, which name's words
// stand in: whichever of them there are now.
func (s *server) killOnly(name string) {
	s.t.Helper()
	s.until("something to kill", func() bool {
		killed := false
		for _, pid := range s.running() {
			words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			isRunner := slices.Contains(strings.Split(string(words), "\x00"), "runner")
			if len(words) > 0 && isRunner == (name == "runner") {
				killed = syscall.Kill(pid, syscall.SIGKILL) == nil || killed
			}
		}
		return killed
	})
}

// wantEnd waits for the end of a job and checks that it is the one that is true.
func (s *server) wantEnd(l held, want jobAnswer) {
	s.t.Helper()
	s.until("the end of "+l.name, func() bool { return slices.Contains([]string{"Completed", "Failed", "Canceled"}, s.job(l.name).Status) })
	got := s.job(l.name)
	if got.Status != want.Status || (got.Error == nil) != (want.Error == nil) || got.Error != nil && got.Error.Code != want.Error.Code {
		s.t.Errorf("the job is %s: %+v, want %s: %+v", got.Status, got.Error, want.Status, want.Error)
	}
	if text, _ := os.ReadFile(l.count); string(text) != "once\n" {
		s.t.Errorf("the command began %d times", strings.Count(string(text), "\n"))
	}
	if log := s.log(l.name); log != "data\n" {
		s.t.Errorf("log %q", log)
	}
	if want.Status == "Completed" {
		var made string
		if err := s.ask("GET", workspacePath+"/runs/"+l.name+"/artifacts/content?path=outputs/made", nil, &made); err != nil || made != "1\n2\n3\n" {
			s.t.Errorf("the output is %q, error %v", made, err)
		}
	}
	s.wantNothingLeft()
}

package fault_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The machine's clock was wrong by ten years while jobs came, and is set right while
// the server is down: all that it stored is then of another time. One job runs
// through it, one waits, and a third comes after. None is lost, none runs twice, and
// none ends before it began.
func TestTheClockIsSetWhileTheServerIsDown(t *testing.T) {
	for name, years := range map[string]string{"back": "10", "forward": "-10"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			dir := t.TempDir()
			count, sign := filepath.Join(dir, "count"), filepath.Join(dir, "go")
			begin := `echo $ATELIER_JOB_NAME >> ` + count
			runs := s.submit(shell(begin, `echo up; while [ ! -e `+sign+` ]; do sleep 0.05; done`))
			s.until("the first line", func() bool { return s.log(runs) == "up\n" })
			var waits jobAnswer
			err := s.ask("POST", workspacePath+"/jobs", map[string]any{"command": begin, "environment": "system",
				"resources": map[string]any{"cpus": 1000}}, &waits) // waits for the whole machine
			if err != nil {
				t.Fatal(err)
			}
			s.kill()
			moved, err := exec.Command("python3", "-c", `import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
by = int(sys.argv[2]) * 365 * 24 * 3600 * 1000000
db.execute("UPDATE jobs SET created_at = created_at + ?, started_at = started_at + ?, token_at = token_at + ?", (by, by, by))
db.execute("UPDATE runs SET started_at = started_at + ?", (by,))
db.commit()`, s.data("atelier.db"), years).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, moved)
			}
			s.start()
			after := s.submit(begin)
			touch(t, sign)
			for _, job := range []string{runs, waits.Name, after} {
				s.finish(job)
				var times struct {
					StartedAt time.Time `json:"started_at"`
					EndedAt   time.Time `json:"ended_at"`
				}
				if err := s.ask("GET", workspacePath+"/jobs/"+job, nil, &times); err != nil || times.EndedAt.Before(times.StartedAt) {
					t.Errorf("%s began at %s and ended at %s, %v", job, times.StartedAt, times.EndedAt, err)
				}
			}
			if text, _ := os.ReadFile(count); len(strings.Fields(string(text))) != 3 {
				t.Errorf("three jobs began as %q", text)
			}
			s.wantNothingLeft()
		})
	}
}

// What a command wrote is kept, with the run and in a datastore, when its runner is
// killed: outputs are kept in the end, and the runner that comes after it does so.
func TestOutputsAreKeptWhenTheRunnerIsKilled(t *testing.T) {
	for _, victims := range []string{"runner", "server and runner"} {
		t.Run(victims, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			folder := t.TempDir()
			if err := s.ask("POST", workspacePath+"/datastores", map[string]any{"name": "shelf", "type": "local", "path": folder}, nil); err != nil {
				t.Fatal(err)
			}
			var j jobAnswer
			err := s.ask("POST", workspacePath+"/jobs", map[string]any{"environment": "system",
				"command": shell(`echo half > ${{outputs.kept}}/part; echo half > ${{outputs.shelved}}/part; echo half > outputs/part; echo written; sleep 600`),
				"outputs": map[string]any{"kept": map[string]string{"type": "uri_folder", "mode": "rw_mount"},
					"shelved": map[string]string{"type": "uri_folder", "mode": "rw_mount", "path": "azureml://datastores/shelf/paths/there"}}}, &j)
			if err != nil {
				t.Fatal(err)
			}
			s.until("the first line", func() bool { return s.log(j.Name) == "written\n" })
			if victims == "runner" {
				s.killOnly("runner")
			} else {
				s.kill()
				for _, pid := range s.running() {
					syscall.Kill(pid, syscall.SIGKILL)
				}
				s.start()
			}
			s.until("the job's end", func() bool { return s.job(j.Name).Status == "Failed" })
			if got := s.job(j.Name); got.Error == nil || got.Error.Code != "RunnerLost" || !strings.Contains(got.Error.Message, "is kept") {
				t.Errorf("error %+v", got.Error)
			}
			for _, path := range []string{"outputs/part", "named-outputs/kept/part"} {
				var made string
				if err := s.ask("GET", workspacePath+"/runs/"+j.Name+"/artifacts/content?path="+path, nil, &made); err != nil || made != "half\n" {
					t.Errorf("%s is %q, %v", path, made, err)
				}
			}
			if made, err := os.ReadFile(filepath.Join(folder, "there", "part")); string(made) != "half\n" {
				t.Errorf("in the datastore is %q, %v", made, err)
			}
			s.wantNothingLeft()
		})
	}
}

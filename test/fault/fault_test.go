// Package fault_test kills the real program at bad moments and checks that
// nothing was lost.
package fault_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds the wait for anything that should happen soon.
const patience = 60 * time.Second

// binary is the program under test. TestMain sets it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "atelier-fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = os.Getenv("ATELIER_BIN")
	if binary == "" {
		binary = filepath.Join(dir, "atelier")
		build := exec.Command("go", "build", "-o", binary, "../../cmd/atelier")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build the program:", err)
			os.Exit(1)
		}
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// server is `atelier up` over one data folder. It listens on another port after
// every start, so that nothing can rely on the old one.
type server struct {
	t     *testing.T
	home  string
	url   string
	token string
	cmd   *exec.Cmd
	words *bytes.Buffer
	disk  string // how large the disk of the data folder is; empty for as large as all
}

func newServer(t *testing.T) *server {
	t.Helper()
	return (&server{t: t, home: t.TempDir()}).begin()
}

func (s *server) begin() *server {
	t := s.t
	t.Helper()
	t.Cleanup(func() {
		s.kill()
		s.endRunners()
		if t.Failed() {
			t.Logf("the last server said:\n%s", s.words)
		}
	})
	s.start()
	return s
}

// data is a path in the data folder, as the test sees it: the small disk of a
// server is its own.
func (s *server) data(parts ...string) string {
	if s.disk != "" && s.cmd != nil && s.cmd.Process != nil {
		parts = append([]string{fmt.Sprintf("/proc/%d/root", s.cmd.Process.Pid), s.dataDir()}, parts...)
		return filepath.Join(parts...)
	}
	return filepath.Join(append([]string{s.dataDir()}, parts...)...)
}

func (s *server) dataDir() string { return filepath.Join(s.home, "data") }

func (s *server) start() {
	s.t.Helper()
	os.Remove(s.data("server.json"))
	s.words = &bytes.Buffer{}
	s.cmd = s.onDisk(binary, "up", "--port", "0", "--data-dir", s.dataDir())
	s.cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(s.home, "config"), "HOME="+s.home)
	s.cmd.Stdout, s.cmd.Stderr = s.words, s.words
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.until("the server to be ready", func() bool {
		var now struct {
			URL string `json:"url"`
		}
		content, err := os.ReadFile(s.data("server.json"))
		if err != nil || json.Unmarshal(content, &now) != nil {
			return false
		}
		s.url = now.URL
		return s.ask("GET", "/api/v1/server", nil, nil) == nil
	})
	if s.token != "" {
		return
	}
	var tokens map[string]string
	content, err := os.ReadFile(filepath.Join(s.home, "config", "atelier", "credentials.json"))
	if err == nil {
		err = json.Unmarshal(content, &tokens)
	}
	if s.token = tokens[s.url]; err != nil || s.token == "" {
		s.t.Fatalf("no token for %s: %v", s.url, err)
	}
}

// kill ends the server as a power cut of its process would.
func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// endRunners ends what a failed test left running.
func (s *server) endRunners() {
	for _, pid := range s.running() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// running returns the processes that belong to tasks of this server.
func (s *server) running() []int {
	var found []int
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		environ, _ := os.ReadFile(path)
		if bytes.Contains(environ, []byte("ATELIER_TASK_FOLDER="+filepath.Join(s.dataDir(), "tasks"))) {
			var pid int
			fmt.Sscanf(path, "/proc/%d/environ", &pid)
			found = append(found, pid)
		}
	}
	return found
}

// until waits for something that another process does.
func (s *server) until(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// ask sends a request and reads the JSON answer into out, if it is not nil.
func (s *server) ask(method, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	if err == nil && out != nil {
		if text, ok := out.(*string); ok {
			*text = string(answer)
			return nil
		}
		err = json.Unmarshal(answer, out)
	}
	return err
}

const workspacePath = "/api/v1/workspaces/default"

type jobAnswer struct {
	Name   string         `json:"name"`
	Status string         `json:"status"`
	Error  *failureAnswer `json:"error"`
}

type failureAnswer struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// submit submits a command on the machine's own programs.
func (s *server) submit(command string) string {
	s.t.Helper()
	var j jobAnswer
	err := s.ask("POST", workspacePath+"/jobs", map[string]any{"command": command, "environment": "system"}, &j)
	if err != nil {
		s.t.Fatal(err)
	}
	return j.Name
}

func (s *server) job(name string) jobAnswer {
	s.t.Helper()
	var j jobAnswer
	if err := s.ask("GET", workspacePath+"/jobs/"+name, nil, &j); err != nil {
		s.t.Fatal(err)
	}
	return j
}

func (s *server) log(name string) string {
	s.t.Helper()
	var text string
	if err := s.ask("GET", workspacePath+"/jobs/"+name+"/logs", nil, &text); err != nil {
		s.t.Fatal(err)
	}
	return text
}

// finish waits for the job to be Completed and its task to be gone.
func (s *server) finish(name string) {
	s.t.Helper()
	s.until("the end of "+name, func() bool {
		status := s.job(name).Status
		return status == "Completed" || status == "Failed" || status == "Canceled"
	})
	if j := s.job(name); j.Status != "Completed" {
		s.t.Fatalf("the job is %s: %+v\n%s", j.Status, j.Error, s.log(name))
	}
}

// wantNothingLeft checks that no process and no folder of a task is left.
func (s *server) wantNothingLeft() {
	s.t.Helper()
	var folders []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if folders, _ = filepath.Glob(s.data("tasks", "*")); len(folders) == 0 && len(s.running()) == 0 {
			return
		}
	}
	for _, pid := range s.running() {
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		s.t.Errorf("process %d is left: %q", pid, command)
	}
	for _, folder := range folders {
		words, _ := os.ReadFile(filepath.Join(folder, "runner.log"))
		s.t.Errorf("folder %s is left; its runner said:\n%s", folder, words)
	}
}

// shell writes a script as one command.
func shell(lines ...string) string { return strings.Join(lines, "\n") }

package fault_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute/process"
)

// prying does what it is asked to, with all the rights that a worker has.
const prying = `
import glob, json, os, signal, socket
def init():
    pass
def read(path):
    with open(path, "rb") as file:
        return file.read(200).decode("utf-8", "replace")
def write(path):
    with open(path, "w") as file:
        file.write("was here")
def descriptors(_):
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink("/proc/self/fd/" + name))
        except OSError:
            pass
    return found
def run(raw):
    question = json.loads(raw)
    try:
        return {"got": DEEDS[question["do"]](question.get("to"))}
    except Exception as fault:
        return {"refused": "%s: %s" % (type(fault).__name__, fault)}
DEEDS = {"read": read, "write": write, "list": os.listdir, "remove": os.remove, "descriptors": descriptors,
    "environ": lambda _: dict(os.environ), "kill": lambda pid: os.kill(pid, 0), "status": lambda _: read_status(),
    "parent": lambda _: os.getppid()}
def read_status():
    with open("/proc/self/status") as file:
        return dict(line.split(":\t") for line in file.read().splitlines() if ":\t" in line)
`

// deed has the worker do something, and returns what it got, or "" and why not.
func (s *server) deed(key, do string, to any) (got any, refused string) {
	s.t.Helper()
	question, err := json.Marshal(map[string]any{"do": do, "to": to})
	if err != nil {
		s.t.Fatal(err)
	}
	status, text := s.score(key, string(question))
	var answer struct {
		Got     any
		Refused string
	}
	if status != 200 || json.Unmarshal([]byte(text), &answer) != nil {
		s.t.Fatalf("%s %v: %d %s", do, to, status, text)
	}
	return answer.Got, answer.Refused
}

// A scoring worker gets at nothing of the server: not at its key, its database, other
// tasks or its own task's token, whichever way it takes.
func TestAWorkerGetsAtNothingOfTheServer(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary-of-the-server")
	t.Setenv("ATELIER_BAO_TOKEN", "canary-of-the-server")
	s := newServer(t)
	key := s.deploy(prying, nil)
	runner, _ := s.deed(key, "parent", nil)
	folders, _ := filepath.Glob(s.data("tasks", "*"))
	if len(folders) != 1 {
		t.Fatalf("folders of tasks: %v", folders)
	}
	variables, _ := s.deed(key, "environ", nil)
	if text := fmt.Sprint(variables); strings.Contains(text, "canary") || strings.Contains(text, s.token) || strings.Contains(text, "atlt_") {
		t.Errorf("the worker's variables: %s", text)
	}
	open, _ := s.deed(key, "descriptors", nil)
	for _, file := range open.([]any) {
		if path := file.(string); strings.HasPrefix(path, s.home) || path == "/" {
			t.Errorf("the worker has %s open", path)
		}
	}
	if err := process.Confines(); err != nil {
		t.Logf("files are not tested, for this machine takes no rights from processes: %v", err)
		return
	}
	secrets := []string{s.data("keys", "vault.key"), s.data("atelier.db"), s.data("server.json"), filepath.Join(folders[0], "task.json"),
		filepath.Join(folders[0], "journal"), filepath.Join(folders[0], "token"), filepath.Join(s.home, "config", "atelier", "credentials.json"),
		fmt.Sprintf("/proc/%v/environ", runner), fmt.Sprintf("/proc/%d/environ", s.cmd.Process.Pid), "/etc/shadow",
		fmt.Sprintf("/proc/%v/root%s", runner, s.data("keys", "vault.key")), fmt.Sprintf("/proc/%v/cwd/task.json", runner)}
	for _, path := range secrets {
		if got, refused := s.deed(key, "read", path); !strings.Contains(refused, "PermissionError") && !strings.Contains(refused, "FileNotFound") {
			t.Errorf("the worker reads %s: %v %s", path, got, refused)
		}
	}
	for _, path := range []string{s.data("tasks", "new"), s.data("keys", "vault.key"), filepath.Join(s.home, "new"), filepath.Join(folders[0], "token"), "/tmp/atelier-was-here", "/etc/atelier"} {
		if got, refused := s.deed(key, "write", path); !strings.Contains(refused, "PermissionError") {
			t.Errorf("the worker writes %s: %v %s", path, got, refused)
		}
	}
	for do, to := range map[string]any{"remove": filepath.Join(folders[0], "journal"), "list": s.data("tasks"), "kill": runner} {
		if got, refused := s.deed(key, do, to); !strings.Contains(refused, "PermissionError") {
			t.Errorf("%s %v: %v %s", do, to, got, refused)
		}
	}
	if got, refused := s.deed(key, "kill", s.cmd.Process.Pid); !strings.Contains(refused, "PermissionError") {
		t.Errorf("the worker signals the server: %v %s", got, refused)
	}
	for _, path := range []string{"beside.txt", filepath.Join(folders[0], "work", "tmp", "file"), "/dev/null"} {
		if _, refused := s.deed(key, "write", path); refused != "" {
			t.Errorf("the worker cannot write %s: %s", path, refused)
		}
	}
	if _, err := os.Stat(s.data("keys", "vault.key")); err != nil {
		t.Error(err)
	}
	status, _ := s.deed(key, "status", nil)
	if found := status.(map[string]any); found["NoNewPrivs"] != "1" || strings.Trim(found["CapEff"].(string), "0") != "" {
		t.Errorf("no_new_privs %v, capabilities %v", found["NoNewPrivs"], found["CapEff"])
	}
}

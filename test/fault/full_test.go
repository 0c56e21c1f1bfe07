package fault_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// onDisk makes a command that finds its data folder on a disk of its own, of the
// server's size, if it has one. Nobody else sees the disk, and it goes with them.
func (s *server) onDisk(program string, args ...string) *exec.Cmd {
	if s.disk == "" {
		return exec.Command(program, args...)
	}
	mount := `mount -t tmpfs -o size="$1" atelier "$2" && shift 2 && exec "$@"`
	return exec.Command("unshare", append(append(s.namespace(), "sh", "-c", mount, "sh", s.disk, s.dataDir(), program), args...)...)
}

func (s *server) namespace() []string {
	if os.Geteuid() == 0 {
		return []string{"--mount"}
	}
	return []string{"--user", "--map-root-user", "--mount"}
}

// The disk fills up while a job runs: on it lie the database, the journal of the
// runner and all that the job writes. The server says so; the job ends with an
// error that says it too, and when there is room again all goes on.
func TestTheDiskFillsUp(t *testing.T) {
	t.Parallel()
	s := &server{t: t, home: t.TempDir(), disk: "48m"}
	if err := os.Mkdir(s.dataDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if words, err := s.onDisk("true").CombinedOutput(); err != nil {
		t.Logf("not tested, for this machine lets nobody make a disk: %v: %s", err, words)
		return
	}
	s.begin()
	sign := filepath.Join(t.TempDir(), "sign")
	name := s.submit(shell(`echo before`, `while [ ! -e `+sign+`.go ]; do sleep 0.02; done`,
		`head -c 3000000 /dev/zero | tr '\0' x`, `touch `+sign))
	s.until("the first line", func() bool { return s.log(name) == "before\n" })

	fill(t, s.data("fill"))
	err := s.ask("POST", workspacePath+"/jobs", map[string]any{"command": "true", "environment": "system"}, nil)
	if err == nil || !strings.Contains(err.Error(), "The disk of the server is full.") {
		t.Errorf("a job for a full disk: %v", err)
	}
	touch(t, sign+".go")
	s.until("the command's end", func() bool { return exists(sign) })
	if err := os.Remove(s.data("fill")); err != nil {
		t.Fatal(err)
	}
	s.until("the end of "+name, func() bool { return s.job(name).Status == "Failed" })
	if j := s.job(name); j.Error == nil || j.Error.Code != "UploadError" || !strings.Contains(j.Error.Message, "no space left on device") {
		t.Errorf("error %+v", j.Error)
	}
	if log := s.log(name); !strings.HasPrefix(log, "before\n") || strings.Trim(log[len("before\n"):], "x") != "" {
		t.Errorf("the log has %d bytes and begins %.60q", len(log), log)
	}
	s.finish(s.submit("echo again"))
	s.wantNothingLeft()
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err = file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// Another process locks the database for longer than anybody waits for it. Who
// asks is told so; a job that ends meanwhile has ended when the lock is gone.
func TestAnotherProcessHoldsTheDatabase(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	sign := filepath.Join(t.TempDir(), "sign")
	name := s.submit(shell(`echo before`, `while [ ! -e `+sign+`.go ]; do sleep 0.02; done`, `echo after`, `echo made > outputs/made`))
	s.until("the first line", func() bool { return s.log(name) == "before\n" })

	other := exec.Command("python3", "-c", `import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()`, s.data("atelier.db"))
	stdin, _ := other.StdinPipe()
	stdout, _ := other.StdoutPipe()
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer stdin.Close()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	touch(t, sign+".go")
	if err := s.ask("POST", workspacePath+"/jobs", map[string]any{"command": "true", "environment": "system"}, nil); err == nil || !strings.Contains(err.Error(), "Another program holds the server's database") {
		t.Errorf("a job for a locked database: %v", err)
	}
	stdin.Close()
	s.finish(name)
	if log := s.log(name); log != "before\nafter\n" {
		t.Errorf("log %q", log)
	}
	s.wantNothingLeft()
}

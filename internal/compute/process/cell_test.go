package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-ml/atelier/internal/compute/process"
)

// A command in a cell reads and writes what it may, and nothing else, whatever it
// tries. A line that should fail prints what it got at.
func TestACellKeepsItsCommandsToTheirRights(t *testing.T) {
	if err := process.Confines(); err != nil {
		t.Logf("not tested, for this machine takes no rights from processes: %v", err)
		return
	}
	dir := t.TempDir()
	own, secret := filepath.Join(dir, "own"), filepath.Join(dir, "keys", "vault.key")
	for _, folder := range []string{own, filepath.Dir(secret)} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(secret, []byte("the key"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SECRET", "of the server")
	rights := &process.Rights{Write: []string{own, "/dev/null"}, Sockets: dir, Files: 64,
		Read: []string{"/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", filepath.Join(dir, "missing")}}
	for line, fails := range map[string]bool{
		"echo mine > " + own + "/file && mkdir " + own + "/folder && mv " + own + "/file " + own + "/folder && cat " + own + "/folder/file": false,
		"ls /usr && ps > /dev/null":         false,
		"cat " + secret:                     true,
		"ls " + filepath.Dir(secret):        true,
		"cat " + own + "/../keys/vault.key": true,
		"ln -s " + secret + " " + own + "/link && cat " + own + "/link":                  true,
		"ln " + secret + " " + own + "/hard && cat " + own + "/hard":                     true,
		"mv " + filepath.Dir(secret) + " " + own + "/ && cat " + own + "/keys/vault.key": true,
		"echo more >> " + secret:                             true,
		"truncate -s 0 " + secret:                            true,
		"rm " + secret:                                       true,
		"touch " + dir + "/new":                              true,
		"mknod " + own + "/disk b 8 0":                       true,
		"tr '\\0' '\\n' < /proc/$PPID/environ | grep SECRET": true,
		"cat /proc/$PPID/root" + secret:                      true,
		"cat /proc/$PPID/cwd/cell_test.go":                   true,
		"kill -0 $PPID":                                      true,
		"(unshare -Ur true && mount -t tmpfs none " + own + ") 2>/dev/null":                                                                       true,
		"grep -q 'NoNewPrivs:.1' /proc/self/status && grep -q 'CapEff:.0*$' /proc/self/status && test $(ulimit -n) = 64 && test $(ulimit -c) = 0": false,
	} {
		words, err := runIn(t, nil, rights, line)
		if err != nil != fails {
			t.Errorf("%s: error %v, %s", line, err, words)
		}
	}
	if content, err := os.ReadFile(secret); err != nil || string(content) != "the key" {
		t.Errorf("the key is %q, error %v", content, err)
	}
}

// A command inherits nothing that this process has open.
func TestACommandInACellInheritsNoFile(t *testing.T) {
	file, err := os.Open("cell_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	words, err := runIn(t, nil, &process.Rights{Read: []string{"/"}, Write: []string{"/dev/null"}}, "ls -l /proc/$$/fd")
	if err != nil || strings.Contains(words, "cell_test") || strings.Count(words, " -> ") > 4 {
		t.Errorf("error %v, open are:\n%s", err, words)
	}
}

// Only the cell's commands lose rights: this process keeps its own, on every thread.
func TestACellTakesNothingFromWhoMadeIt(t *testing.T) {
	before, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runIn(t, nil, &process.Rights{Read: []string{"/usr", "/bin", "/lib", "/lib64", "/etc"}, Write: []string{"/dev/null"}}, "true"); err != nil {
		t.Fatal(err)
	}
	of := func(status []byte) (lines []string) {
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	var less []string
	for range 1000 { // the cell's own thread ends by and by
		less = nil
		threads, _ := filepath.Glob("/proc/self/task/*/status")
		for _, thread := range threads {
			after, err := os.ReadFile(thread)
			if err == nil && !slices.Equal(of(after), of(before)) {
				less = append(less, fmt.Sprintf("%s has %q, before it was %q", thread, of(after), of(before)))
			}
		}
		if less == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error(strings.Join(less, "\n"))
}

package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// clockTick is the unit of processor time in /proc: 100 a second, on every Linux.
const clockTick = time.Second / 100

// List returns all processes that this one may see.
func List() ([]Info, error) {
	pids, err := pids()
	if err != nil {
		return nil, err
	}
	all := make([]Info, 0, len(pids))
	for _, pid := range pids {
		if p, ok := read(pid); ok {
			all = append(all, p)
		}
	}
	return all, nil
}

func pids() ([]int, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	var found []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			found = append(found, pid)
		}
	}
	return found, err
}

// read reads /proc/PID/stat. The command's name stands in brackets and may hold
// anything, brackets too, so the fields are counted from the last one.
func read(pid int) (Info, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	at := bytes.LastIndexByte(text, ')')
	if err != nil || at < 0 {
		return Info{}, false
	}
	fields := strings.Fields(string(text[at+1:]))
	if len(fields) < 22 {
		return Info{}, false
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		return n
	}
	ticks := number(11) + number(12) + number(13) + number(14)
	return Info{
		PID: pid, Parent: int(number(1)), Group: int(number(2)), Zombie: fields[0] == "Z",
		CPU:    time.Duration(ticks) * clockTick,
		Memory: number(21) * int64(os.Getpagesize()),
	}, true
}

// Proportional is the memory of a process, of which a page that n processes
// share counts as an n-th; what is resident when the system does not tell.
func Proportional(p Info) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.PID))
	if err != nil {
		return p.Memory
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(rest)), " kB"), 10, 64)
			if err == nil {
				return kilobytes << 10
			}
		}
	}
	return p.Memory
}

// InFolder returns the processes that belong to the task in folder, whoever
// their parent is now: those that were started with FolderVariable and those
// that work inside the folder. The caller itself is never among them.
func InFolder(folder string) []Info {
	marker := []byte("\x00" + FolderVariable + "=" + folder + "\x00")
	found := []Info{}
	all, _ := pids()
	for _, pid := range all {
		if pid == os.Getpid() || !belongs(pid, folder, marker) {
			continue
		}
		if p, ok := read(pid); ok {
			found = append(found, p)
		}
	}
	return found
}

func belongs(pid int, folder string, marker []byte) bool {
	environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if bytes.Contains(append([]byte{0}, environ...), marker) {
		return true
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && strings.HasPrefix(cwd+string(filepath.Separator), folder+string(filepath.Separator))
}

// AdoptOrphans makes this process the parent of every descendant whose own
// parent ends, so that a daemon cannot leave its task.
func AdoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// Reap collects the children of this process that have ended, except keep,
// which somebody else waits for.
func Reap(all []Info, keep ...int) {
	for _, p := range all {
		if p.Zombie && p.Parent == os.Getpid() && !slices.Contains(keep, p.PID) {
			syscall.Wait4(p.PID, nil, syscall.WNOHANG, nil)
		}
	}
}

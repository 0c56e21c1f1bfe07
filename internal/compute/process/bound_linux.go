package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const groupsRoot = "/sys/fs/cgroup"

// Bound is a control group, in which processes together have no more memory than
// they may: the system ends them, and no others, when they take more.
type Bound struct{ dir string }

// NewBound makes the control group called name, or finds the one that there is.
// Its error says why this machine lets nobody bound memory.
func NewBound(name string, memory int64) (*Bound, error) {
	above, err := groupAbove()
	if err != nil {
		return nil, err
	}
	b := &Bound{filepath.Join(above, name)}
	if err := os.Mkdir(b.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	limit := strconv.FormatInt(memory, 10)
	if b.set("memory.max", limit) == nil { // version 2
		b.set("memory.swap.max", "0") // a machine without swap has neither
		b.set("memory.oom.group", "1")
		return b, nil
	}
	if err := b.set("memory.limit_in_bytes", limit); err != nil {
		return nil, errors.Join(err, b.Remove())
	}
	b.set("memory.memsw.limit_in_bytes", limit)
	return b, nil
}

// groupAbove is the control group in which this process may make others. In version
// 1 that is its own. In version 2 a group has either processes or groups in it, so
// it is the one above its own.
func groupAbove() (string, error) {
	content, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	unified := ""
	for line := range strings.Lines(string(content)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[1] == "memory":
			return filepath.Join(groupsRoot, "memory", fields[2]), nil
		case fields[1] == "":
			unified = filepath.Join(groupsRoot, path.Dir(fields[2]))
		}
	}
	controllers, err := os.ReadFile(filepath.Join(unified, "cgroup.subtree_control"))
	if err == nil && !bytes.Contains(controllers, []byte("memory")) {
		err = errors.New("the control group does not count memory")
	}
	return unified, err
}

// set writes to one of the group's files, which the system has made.
func (b *Bound) set(file, value string) error {
	f, err := os.OpenFile(filepath.Join(b.dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// Enclose has cmd begin inside of the group, before it can start anything.
func (b *Bound) Enclose(cmd *exec.Cmd) {
	cmd.Args = append([]string{"/bin/sh", "-c", `echo 0 > "$0" && exec "$@"`, filepath.Join(b.dir, "cgroup.procs"), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// Exceeded reports whether the system ended one of the group's processes.
func (b *Bound) Exceeded() bool {
	for _, file := range []string{"memory.events", "memory.oom_control"} {
		content, _ := os.ReadFile(filepath.Join(b.dir, file))
		for line := range strings.Lines(string(content)) {
			if n, found := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); found && n != "0" {
				return true
			}
		}
	}
	return false
}

// Remove removes the group, which must have no process any more.
func (b *Bound) Remove() error {
	var err error
	for range 50 { // what has just ended is counted for a moment
		if err = os.Remove(b.dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("remove the control group: %w", err)
}

// RemoveBound removes the group called name if one was left.
func RemoveBound(name string) error {
	above, err := groupAbove()
	if err != nil {
		return nil // there can be none
	}
	return (&Bound{filepath.Join(above, name)}).Remove()
}

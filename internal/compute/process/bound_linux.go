package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

const groupsRoot = "/sys/fs/cgroup"

// Bound is a control group, in which processes together have no more of the machine
// than they may: the system ends them, and no others, when they take more memory. In
// version 1 it is a folder for each thing that is bounded, in version 2 only one.
type Bound struct {
	memory  string   // the folder that bounds memory; empty where none does
	folders []string // all of them
	unified bool     // version 2
}

// NewBound makes the control group called name, or finds the one that there is.
// Its error says why this machine lets nobody bound memory, if that is asked for;
// processors and processes are bounded where they can be.
func NewBound(name string, limits Limits) (*Bound, error) {
	b := &Bound{}
	err := b.boundMemory(name, limits.Memory)
	if err == nil && limits.CPUs+float64(limits.Processes) > 0 {
		b.boundProcessors(name, limits.CPUs)
	}
	if err == nil && limits.Processes > 0 {
		b.make(name, "pids", map[string]string{"pids.max": strconv.Itoa(limits.Processes)})
	}
	if err != nil {
		return nil, errors.Join(err, b.Remove())
	}
	return b, nil
}

func (b *Bound) boundMemory(name string, memory int64) error {
	if memory == 0 {
		return nil
	}
	limit := strconv.FormatInt(memory, 10)
	dir, err := b.make(name, "memory", map[string]string{"memory.max": limit})
	if err == nil { // version 2
		b.memory = dir
		write(dir, "memory.swap.max", "0") // a machine without swap has neither
		write(dir, "memory.oom.group", "1")
		return nil
	}
	if dir, err = b.make(name, "memory", map[string]string{"memory.limit_in_bytes": limit}); err == nil {
		b.memory = dir
		write(dir, "memory.memsw.limit_in_bytes", limit)
	}
	return err
}

// processorPeriod is for how many microseconds at a time processors are given out.
const processorPeriod = 100_000

// boundProcessors has the group compete for processors as one, however many processes
// it becomes, and gives it no more than so many, if that is not 0.
func (b *Bound) boundProcessors(name string, processors float64) {
	b.make(name, "cpu", map[string]string{"cpu.shares": strconv.Itoa(1024 * runtime.NumCPU())}) // version 1; in 2 all groups are equal
	if processors == 0 {
		return
	}
	quota, period := strconv.Itoa(int(processors*processorPeriod)), strconv.Itoa(processorPeriod)
	if _, err := b.make(name, "cpu", map[string]string{"cpu.max": quota + " " + period}); err != nil {
		b.make(name, "cpu", map[string]string{"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota})
	}
}

// make makes the folder in which controller bounds the group, if it is missing, and
// writes the settings.
func (b *Bound) make(name, controller string, settings map[string]string) (dir string, err error) {
	above, unified, err := groupAbove(controller)
	if err != nil {
		return "", err
	}
	dir = filepath.Join(above, name)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if !slices.Contains(b.folders, dir) {
		b.folders = append(b.folders, dir)
	}
	b.unified = b.unified || unified
	for file, value := range settings {
		err = errors.Join(err, write(dir, file, value))
	}
	return dir, err
}

// groupAbove is the control group of a controller in which this process may make
// others. In version 1 that is its own. In version 2 a group has either processes or
// groups in it, so it is the one above its own.
func groupAbove(controller string) (dir string, unified bool, err error) {
	content, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", false, err
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) < 3:
		case slices.Contains(strings.Split(fields[1], ","), controller):
			return filepath.Join(groupsRoot, fields[1], fields[2]), false, nil
		case fields[1] == "":
			dir = filepath.Join(groupsRoot, path.Dir(fields[2]))
		}
	}
	controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err == nil && !slices.Contains(strings.Fields(string(controllers)), controller) {
		err = fmt.Errorf("the control group does not count %s", controller)
	}
	return dir, true, err
}

// write writes to one of a group's files, which the system has made.
func write(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// Kills counts the processes of the group that the system has ended because of
// their memory.
func (b *Bound) Kills() (n int) {
	for _, file := range []string{"memory.events", "memory.oom_control"} {
		content, _ := os.ReadFile(filepath.Join(b.memory, file))
		for line := range strings.Lines(string(content)) {
			if text, found := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); found {
				n, _ = strconv.Atoi(text)
			}
		}
	}
	return n
}

// Remove removes the group, which must have no process any more.
func (b *Bound) Remove() (err error) {
	for _, dir := range b.folders {
		err = errors.Join(err, removeGroup(dir))
	}
	return err
}

func removeGroup(dir string) (err error) {
	for range 50 { // what has just ended is counted for a moment
		if err = os.Remove(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("remove the control group: %w", err)
}

// BoundProcesses lets the group called name, if there is one, become so many
// processes. With 0 it can be ended, however fast it forks.
func BoundProcesses(name string, most int) {
	if above, _, err := groupAbove("pids"); err == nil {
		write(filepath.Join(above, name), "pids.max", strconv.Itoa(most))
	}
}

// RemoveBound removes the group called name if one was left.
func RemoveBound(name string) error {
	b := &Bound{}
	for _, controller := range []string{"memory", "cpu", "pids"} {
		if above, _, err := groupAbove(controller); err == nil { // else there can be none
			b.folders = append(b.folders, filepath.Join(above, name))
		}
	}
	return b.Remove()
}

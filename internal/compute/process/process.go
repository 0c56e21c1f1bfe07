// Package process finds, measures and ends the processes of a task: the
// command, what it forked, and what those turned into daemons. It also holds
// the lock by which a runner and a driver know of each other.
//
// Linux gives all of it through /proc. Elsewhere the package does what the
// process group allows.
package process

import (
	"errors"
	"path/filepath"
	"syscall"
	"time"
)

// FolderVariable is set in the environment of everything that a task starts,
// to the task's folder. It finds the processes of a task whose runner died.
const FolderVariable = "ATELIER_TASK_FOLDER"

// BoundName is the name of the control group of the task in folder.
func BoundName(folder string) string { return "atelier-" + filepath.Base(folder) }

// Info is one process at one moment.
type Info struct {
	PID    int
	Parent int
	Group  int
	Zombie bool
	// CPU is the processor time of the process and of the children it waited for.
	CPU time.Duration
	// Memory is the resident memory in bytes.
	Memory int64
}

// Descendants returns the processes below root, without root itself.
func Descendants(all []Info, root int) []Info {
	children := map[int][]Info{}
	for _, p := range all {
		children[p.Parent] = append(children[p.Parent], p)
	}
	var found []Info
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		found = append(found, children[queue[0]]...)
		for _, child := range children[queue[0]] {
			queue = append(queue, child.PID)
		}
	}
	return found
}

// endTries bounds how often End looks for processes that fork while they are
// being killed: five seconds in all.
const endTries = 500

// End kills every process that find finds, again and again until it finds none:
// a process may fork while it is being killed.
func End(find func() []Info) error {
	for range endTries {
		alive := 0
		for _, p := range find() {
			if !p.Zombie {
				alive++
				syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
		if alive == 0 {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("some processes would not end")
}

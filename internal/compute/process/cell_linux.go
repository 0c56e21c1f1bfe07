package process

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NewCell makes a cell. bound is nil for commands that may take what they want, and
// rights for commands that may do what this process may.
//
// Linux takes rights from a thread, and the processes that it starts inherit what is
// left. So a cell is one thread of this process that does nothing else. The commands
// die with it if they ask for that (Pdeathsig), which is to say with this process.
func NewCell(bound *Bound, rights *Rights) (*Cell, error) {
	c := &Cell{calls: make(chan func())}
	entered := make(chan error)
	go onOwnThread(func() {
		entered <- c.enter(bound, rights)
		for call := range c.calls {
			call()
		}
	})
	if err := <-entered; err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// onOwnThread calls f on a thread that ends with it and is used for nothing else. It
// is not the first one, which Linux takes for the whole process.
func onOwnThread(f func()) {
	runtime.LockOSThread() // until the goroutine, and the thread with it, ends
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	elsewhere := make(chan bool)
	go func() {
		runtime.LockOSThread() // before the first thread is free for it
		close(elsewhere)
		f()
	}()
	<-elsewhere
	runtime.UnlockOSThread()
}

// enter has this thread enter the control group and give its rights away.
func (c *Cell) enter(bound *Bound, rights *Rights) error {
	if bound != nil && bound.unified {
		c.group = bound.folders[0]
	} else if bound != nil {
		for _, dir := range bound.folders {
			if err := write(dir, "tasks", strconv.Itoa(unix.Gettid())); err != nil {
				return err
			}
		}
	}
	if rights == nil {
		return nil
	}
	c.files = rights.Files
	// What this process was itself given by whoever started it; its own files are
	// closed in commands anyhow. Systems from before Linux 5.11 cannot.
	unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("give capabilities away: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if c.Open = Confines(); c.Open != nil {
		return nil
	}
	return confine(*rights)
}

// Start starts cmd in the cell.
func (c *Cell) Start(cmd *exec.Cmd) error {
	started := make(chan error)
	c.calls <- func() { started <- c.start(cmd) }
	return <-started
}

func (c *Cell) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if c.group != "" {
		group, err := os.Open(c.group)
		if err != nil {
			return err
		}
		defer group.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if c.files == 0 {
		return nil
	}
	err := limit(cmd.Process.Pid, c.files)
	if errors.Is(err, unix.ESRCH) {
		return nil // it has ended already
	}
	return err
}

// limit bounds the files that a process may have open, to no more than it may have
// already, and has it leave no core behind.
func limit(pid int, files uint64) error {
	var now unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &now); err != nil {
		return err
	}
	less := unix.Rlimit{Cur: min(files, now.Cur), Max: min(files, now.Max)}
	err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &less, nil)
	return errors.Join(err, unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil))
}

// Close ends the cell, which must have no process any more: they die with it.
func (c *Cell) Close() { close(c.calls) }

// dropCapabilities gives away what root has beyond other users, for the thread and
// all that it starts.
func dropCapabilities() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for capability := 0; capability <= unix.CAP_LAST_CAP; capability++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(capability), 0, 0, 0)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) { // an older system, or none to give
			return err
		}
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&head, &none[0])
}

// Rights of Landlock. Special files of devices can be made by nobody, and what can
// be told to a device (ioctl) is not bounded, for GPUs live from it.
const (
	readRights  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	writeRights = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	deviceRights = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	// fileRights are those that a file can have, which is no folder.
	fileRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// landlock returns the version of Landlock, 0 where there is none.
func landlock() (version int) {
	r, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return int(r)
}

// leastLandlock is the first version in which files can be moved from one folder
// to another by those who may write in both.
const leastLandlock = 2

// Confines says why the system takes no rights from processes; it is nil where it does.
func Confines() error {
	if version := landlock(); version < leastLandlock {
		return fmt.Errorf("the system has no Landlock, or one of before Linux 5.19 (version %d)", version)
	}
	return nil
}

// handled are the rights that the present Landlock can take.
func handled() unix.LandlockRulesetAttr {
	rules := unix.LandlockRulesetAttr{Handled_access_fs: readRights | writeRights | deviceRights}
	version := landlock()
	if version < 3 {
		rules.Handled_access_fs &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 6 {
		rules.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return rules
}

// confine takes from this thread all rights to files but those given.
func confine(rights Rights) error {
	rules := handled()
	r, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0)
	if e != 0 {
		return fmt.Errorf("make rules of Landlock: %w", e)
	}
	set := int(r)
	defer unix.Close(set)
	allow := func(path string, access uint64) error { return addRule(set, path, access&rules.Handled_access_fs) }
	var err error
	for _, path := range rights.Read {
		err = errors.Join(err, allow(path, readRights))
	}
	for _, path := range rights.Write {
		err = errors.Join(err, allow(path, readRights|writeRights))
	}
	if rights.Sockets != "" {
		err = errors.Join(err, allow(rights.Sockets, unix.LANDLOCK_ACCESS_FS_MAKE_SOCK))
	}
	if err != nil {
		return err
	}
	if _, _, e := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(set), 0, 0); e != 0 {
		return fmt.Errorf("apply rules of Landlock: %w", e)
	}
	return nil
}

// addRule allows access to path and to what lies below. A path that is not there
// needs no rule.
func addRule(set int, path string, access uint64) error {
	at, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(at)
	var stat unix.Stat_t
	if err := unix.Fstat(at, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileRights
	}
	if at > math.MaxInt32 || access == 0 {
		return nil
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(at)}
	_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if e != 0 {
		return fmt.Errorf("allow %s: %w", path, e)
	}
	return nil
}

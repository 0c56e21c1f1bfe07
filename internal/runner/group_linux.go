package runner

import "syscall"

// ownGroup gives a command its own process group, and has it die with the runner.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

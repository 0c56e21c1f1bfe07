//go:build !linux

package runner

import "syscall"

// ownGroup gives a command its own process group.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

//go:build !linux

package runner

import "syscall"

// maxResident is the peak of resident memory in bytes.
func maxResident(usage *syscall.Rusage) int64 { return usage.Maxrss }

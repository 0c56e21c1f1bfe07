package runner

import "syscall"

// maxResident is the peak of resident memory in bytes. Linux counts in kilobytes.
func maxResident(usage *syscall.Rusage) int64 { return usage.Maxrss * 1024 }

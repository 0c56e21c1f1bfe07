//go:build !linux

package process

import (
	"context"
	"syscall"
	"time"
)

// Wait returns once the process pid, whoever its parent is, has ended.
func Wait(ctx context.Context, pid int) error {
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

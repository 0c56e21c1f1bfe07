//go:build !linux

package process

import (
	"errors"
	"os/exec"
)

// Bound is nothing: only Linux has control groups.
type Bound struct{}

// NewBound fails.
func NewBound(string, int64) (*Bound, error) { return nil, errors.New("only Linux bounds memory") }

// Enclose does nothing.
func (*Bound) Enclose(*exec.Cmd) {}

// Exceeded is false.
func (*Bound) Exceeded() bool { return false }

// Remove does nothing.
func (*Bound) Remove() error { return nil }

// RemoveBound does nothing.
func RemoveBound(string) error { return nil }

//go:build !linux

package process

import "errors"

// Bound is nothing: only Linux has control groups.
type Bound struct{}

// NewBound fails.
func NewBound(string, Limits) (*Bound, error) { return nil, errors.New("only Linux bounds memory") }

// Kills is 0.
func (*Bound) Kills() int { return 0 }

// Remove does nothing.
func (*Bound) Remove() error { return nil }

// BoundProcesses does nothing.
func BoundProcesses(string, int) {}

// RemoveBound does nothing.
func RemoveBound(string) error { return nil }

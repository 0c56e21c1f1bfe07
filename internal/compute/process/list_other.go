//go:build !linux

package process

// List returns nothing: only Linux tells it in a form that we read.
func List() ([]Info, error) { return nil, nil }

// Proportional is what is resident.
func Proportional(p Info) int64 { return p.Memory }

// InFolder returns nothing, as List does.
func InFolder(string) []Info { return nil }

// AdoptOrphans does nothing: only Linux can.
func AdoptOrphans() error { return nil }

// Reap does nothing: without AdoptOrphans there is nothing to collect.
func Reap([]Info, ...int) {}

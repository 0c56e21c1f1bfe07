package transfer

import (
	"fmt"
	"sync"
)

// Counts is how much history there is on one side.
type Counts struct {
	Experiments int   `json:"experiments"`
	Runs        int   `json:"runs"`
	Points      int64 `json:"points"`
	Params      int   `json:"params"`
	Tags        int   `json:"tags"`
	Datasets    int   `json:"datasets"`
	Files       int   `json:"files"`
	Bytes       int64 `json:"bytes"`
	Models      int   `json:"models"`
	Versions    int   `json:"versions"`
}

// Report is how an import ended. Source and Here are counted independently, Here
// by what the server holds afterwards.
type Report struct {
	Source Counts `json:"source"`
	Here   Counts `json:"here"`
	// Changed counts the experiments, runs, models and versions that the import
	// made or completed; Same those that were there already.
	Changed     int      `json:"changed"`
	Same        int      `json:"same"`
	Differences []string `json:"differences"`
	// Traces are at the source, and not brought.
	Traces int `json:"traces,omitempty"`
	// Bare counts the runs without artifacts at the source: most never had any, but
	// so do those look whose folder is gone.
	Bare   int  `json:"runs_without_artifacts,omitempty"`
	DryRun bool `json:"dry_run,omitempty"`
}

// Agrees reports whether both sides hold the same.
func (r Report) Agrees() bool { return len(r.Differences) == 0 && (r.DryRun || r.Source == r.Here) }

// Rows returns what is counted, for a table: a name and the two numbers.
func (r Report) Rows() []Row {
	return []Row{
		{"experiments", int64(r.Source.Experiments), int64(r.Here.Experiments)},
		{"runs", int64(r.Source.Runs), int64(r.Here.Runs)},
		{"points", r.Source.Points, r.Here.Points},
		{"params", int64(r.Source.Params), int64(r.Here.Params)},
		{"tags", int64(r.Source.Tags), int64(r.Here.Tags)},
		{"datasets", int64(r.Source.Datasets), int64(r.Here.Datasets)},
		{"artifacts", int64(r.Source.Files), int64(r.Here.Files)},
		{"artifact bytes", r.Source.Bytes, r.Here.Bytes},
		{"models", int64(r.Source.Models), int64(r.Here.Models)},
		{"versions", int64(r.Source.Versions), int64(r.Here.Versions)},
	}
}

// Row is one line of a report.
type Row struct {
	Name         string
	Source, Here int64
}

// differ notes a difference.
func (r *Report) differ(format string, args ...any) {
	r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
}

// changed counts one thing that was, or was not, there already.
func (r *Report) count(changed bool) {
	if changed {
		r.Changed++
	} else {
		r.Same++
	}
}

// faults collects what a source could not read.
type faults struct {
	mu    sync.Mutex
	seen  map[string]bool
	texts []string
}

func (f *faults) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	if !f.seen[text] { // a file may be read twice, to compare and to send
		f.seen[text] = true
		f.texts = append(f.texts, text)
	}
}

// Faults returns what could not be read so far.
func (f *faults) Faults() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.texts
}

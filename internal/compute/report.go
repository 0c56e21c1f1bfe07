package compute

import (
	"time"

	"github.com/atelier-ml/atelier/internal/environment"
)

// Report is what a runner tells the server: all records that it has not yet
// seen acknowledged, oldest first. One without records is a heartbeat.
type Report struct {
	Runner  Process  `json:"runner"`
	Records []Record `json:"records"`
	// Usage is the last measurement. Only the last record of it, at the end, is
	// kept in the journal: what a task used a minute ago is not worth keeping.
	Usage *Usage `json:"usage,omitempty"`
	// Progress is how far a batch task has come. Only the last record of it is kept
	// in the journal, too.
	Progress *Progress `json:"progress,omitempty"`
}

// Process is where a runner is to be found.
type Process struct {
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

// RecordType says which fields of a Record are set.
type RecordType string

const (
	StatusRecord      RecordType = "status"      // Status (and, for a service, Worker)
	UsageRecord       RecordType = "usage"       // Usage
	ProgressRecord    RecordType = "progress"    // Progress
	EnvironmentRecord RecordType = "environment" // Environment
	ErrorRecord       RecordType = "error"       // Error: the first one explains the end
	RestartRecord     RecordType = "restart"     // Restart, and Error for its reason: a service's worker ended
	ExitRecord        RecordType = "exit"        // ExitCode, Ranks, Canceled: the last record of a task
)

// What a runner says in a record of type status.
const (
	StatusPreparing  = "Preparing"
	StatusRunning    = "Running"
	StatusReady      = "Ready" // a service whose worker listens
	StatusFinalizing = "Finalizing"
)

// Record is one thing that happened. The runner writes it to its journal before
// it sends it, and the server applies it once: Seq counts up from 1 and what is
// not greater than the last applied one is ignored.
type Record struct {
	Seq         int64            `json:"seq"`
	At          time.Time        `json:"at"`
	Type        RecordType       `json:"type"`
	Status      string           `json:"status,omitempty"`
	Usage       *Usage           `json:"usage,omitempty"`
	Progress    *Progress        `json:"progress,omitempty"`
	Environment *EnvironmentInfo `json:"environment,omitempty"`
	Error       *Failure         `json:"error,omitempty"`
	// ExitCode is the command's; it is absent when the command never ran, and
	// 128 plus the signal's number when a signal ended it.
	ExitCode *int `json:"exit_code,omitempty"`
	// Ranks are the processes of a command that was several.
	Ranks []Rank `json:"ranks,omitempty"`
	// Canceled is true when the command ended because the server asked for it.
	Canceled bool `json:"canceled,omitempty"`
	// WorkerPID is the scoring worker's process, in a status record of a service.
	WorkerPID int      `json:"worker_pid,omitempty"`
	Restart   *Restart `json:"restart,omitempty"`
}

// Restart says that a service's worker, which ended by itself, will be started again.
type Restart struct {
	Count  int       `json:"count"` // of all since the task began
	NextAt time.Time `json:"next_at"`
}

// Failure says in a full sentence why a task ended badly. Code is one word for
// programs: "UserError", "EnvironmentError", "Timeout", "RunnerLost".
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Usage is what the task's processes have used so far.
type Usage struct {
	CPUSeconds      float64 `json:"cpu_seconds"`
	CPUPercent      float64 `json:"cpu_percent"`
	MemoryBytes     int64   `json:"memory_bytes"`
	MemoryPeakBytes int64   `json:"memory_peak_bytes"`
}

// Progress is how far a batch task has come. A mini batch is done when it was
// scored, or has failed for good.
type Progress struct {
	Files             int `json:"files" doc:"Files of all inputs."`
	FilesDone         int `json:"files_done"`
	FilesFailed       int `json:"files_failed" doc:"Of those done; what error_threshold counts."`
	MiniBatches       int `json:"mini_batches"`
	MiniBatchesDone   int `json:"mini_batches_done"`
	MiniBatchesFailed int `json:"mini_batches_failed"`
	Retries           int `json:"retries" doc:"How often a mini batch was tried again."`
	Rows              int `json:"rows" doc:"Rows of the output so far."`
}

// EnvironmentInfo is the environment that a task really ran in.
type EnvironmentInfo struct {
	Name     string                `json:"name,omitempty"`
	Version  string                `json:"version,omitempty"`
	Hash     string                `json:"hash,omitempty"`
	Python   string                `json:"python,omitempty"`
	Packages []environment.Package `json:"packages,omitempty"`
	Lock     []string              `json:"lock,omitempty" doc:"The packages as requirements, which install the same again."`
}

// ReportAnswer is what the server says back.
type ReportAnswer struct {
	// Acknowledged is the last record that is durably applied.
	Acknowledged int64 `json:"acknowledged"`
	// Cancel is true when the task shall end.
	Cancel bool `json:"cancel,omitempty"`
	// Token replaces the task's token, which would soon expire. Usually empty.
	Token string `json:"token,omitempty"`
}

// Codes of a Failure.
const (
	UserError        = "UserError"        // the command ended with something other than 0
	EnvironmentError = "EnvironmentError" // the environment could not be made
	PreparationError = "PreparationError" // code or inputs could not be placed
	Timeout          = "Timeout"          // the command ran longer than it may
	RunnerLost       = "RunnerLost"       // the runner died and the command with it
	StartError       = "StartError"       // the command or the runner could not be started
	OutOfMemory      = "OutOfMemory"      // the command used more memory than it asked for
	WorkerEnded      = "WorkerEnded"      // the scoring worker ended by itself
	UploadError      = "UploadError"      // what the command made could not be stored
)

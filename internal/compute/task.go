package compute

import (
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/environment"
)

// Kind says what a runner does with a task.
type Kind string

const (
	Command Kind = "command" // run a command to its end
	Service Kind = "service" // keep scoring workers running until told to stop
	Build   Kind = "build"   // build an environment; nothing is reported
)

// Task is everything that a runner needs to know. The driver stores it as
// task.json, readable by its owner alone, because it holds the task's token.
type Task struct {
	// ID is the job's name, or the id of a deployment's replica.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Workspace is the name, as it stands in addresses.
	Workspace string `json:"workspace"`
	// ServerFile is rewritten at every start of the server and tells where it
	// listens; ServerURL is where it listened when the task was made.
	ServerFile string `json:"server_file,omitempty"`
	ServerURL  string `json:"server_url,omitempty"`
	// Token is the task's own, good for its own run or deployment and no other.
	Token string `json:"token"`

	// Command is a line for the shell, in which only ${{inputs.x}} and
	// ${{outputs.x}} of paths are left to be filled in.
	Command string `json:"command,omitempty"`
	// Distribution is nil when the command is one process.
	Distribution *Distribution `json:"distribution,omitempty"`

	CodeTree blob.Hash         `json:"code_tree,omitempty"`
	Inputs   map[string]Input  `json:"inputs,omitempty"`
	Outputs  map[string]Output `json:"outputs,omitempty"`

	// Environment is nil when the machine's own programs are to be used.
	Environment     *environment.Definition `json:"environment,omitempty"`
	EnvironmentsDir string                  `json:"environments_dir,omitempty"`
	ToolsDir        string                  `json:"tools_dir,omitempty"`

	// EnvironmentVariables may refer to Secrets, as ${{secrets.NAME}}. The runner
	// asks the server for their values, which are stored nowhere in the open.
	EnvironmentVariables map[string]string `json:"environment_variables,omitempty"`
	Secrets              []string          `json:"secrets,omitempty"`
	// TimeoutSeconds is how long the command may run; zero is for ever.
	TimeoutSeconds int `json:"timeout_seconds,omitempty"`
	// GPUs are those of the machine that the command may see, by index. A
	// command that has none sees none.
	GPUs []int `json:"gpus,omitempty"`
	// MemoryBytes is how much memory the command and all it starts may use;
	// zero is as much as there is.
	MemoryBytes int64 `json:"memory_bytes,omitempty"`
	// CPUs and Processes bound, in the same way, how much of the machine's processors
	// they have, and how many processes and threads they are. Where the system cannot,
	// nobody does.
	CPUs      float64 `json:"cpus,omitempty"`
	Processes int     `json:"processes,omitempty"`

	// Services run beside a command, by their names.
	Services map[string]SideService `json:"services,omitempty"`

	Service *ServiceTask `json:"service,omitempty"`
	// Batch is set where the command is not a line for the shell, but the scoring of
	// all files of the inputs.
	Batch *BatchTask `json:"batch,omitempty"`
}

// Model returns the files of the model that the task serves or scores with; nil
// where it has none.
func (t Task) Model() *ModelFiles {
	switch {
	case t.Service != nil && t.Service.ModelTree != "":
		return &t.Service.ModelFiles
	case t.Batch != nil && t.Batch.ModelTree != "":
		return &t.Batch.ModelFiles
	}
	return nil
}

// Secrets are the values that a runner is given for its task.
type Secrets struct {
	Values map[string]string `json:"values"`
}

// Input is a literal, which has only a Value; a file or folder of a stored tree; a
// file or folder in a datastore, which the server reads for the runner; or an
// address, from which the runner reads a file itself.
type Input struct {
	Value     *string   `json:"value,omitempty"`
	Type      string    `json:"type,omitempty"`
	Tree      blob.Hash `json:"tree,omitempty"`
	Datastore string    `json:"datastore,omitempty"`
	URL       string    `json:"url,omitempty"`
	// Path is the file or folder inside Tree or Datastore; empty for all of it.
	Path string `json:"path,omitempty"`
	Mode string `json:"mode,omitempty"`
	// Parts are further places, each of which comes to lie in its own Folder of the
	// input.
	Parts  []Input `json:"parts,omitempty"`
	Folder string  `json:"folder,omitempty"`
}

// Output is a place that the command writes to and the runner uploads: to the run's
// artifacts, or into a datastore, which the server writes for it.
type Output struct {
	Type      string `json:"type"`
	Datastore string `json:"datastore,omitempty"`
	// Path is where the files come to lie in Datastore.
	Path string `json:"path,omitempty"`
	// Address is what the command is given in place of a folder: it writes there
	// itself, and nothing is uploaded.
	Address string `json:"address,omitempty"`
}

// ModelFiles are the files of a model, and what it is called.
type ModelFiles struct {
	ModelTree blob.Hash `json:"model_tree,omitempty"`
	// ModelFolder is where the files lie in the model's folder; empty for a
	// model that is one file.
	ModelFolder  string `json:"model_folder,omitempty"`
	ModelName    string `json:"model_name,omitempty"`
	ModelVersion string `json:"model_version,omitempty"`
	ModelType    string `json:"model_type,omitempty"`
}

// ServiceTask is what a scoring worker needs beside its environment and code.
type ServiceTask struct {
	// Socket is the name of the Unix socket inside the task's folder.
	Socket string `json:"socket"`
	ModelFiles
	ScoringScript string `json:"scoring_script,omitempty"`
	Workers       int    `json:"workers,omitempty"`
	Concurrency   int    `json:"concurrency,omitempty"`
	// BatchSize is how many requests one call may answer, and BatchDelayMS how long
	// it may wait for them.
	BatchSize    int     `json:"batch_size,omitempty"`
	BatchDelayMS float64 `json:"batch_delay_ms,omitempty"`
	// Collect says what the worker's collectors keep; nil for nothing.
	Collect *Collect `json:"collect,omitempty"`
}

// Collect says what the collectors of a scoring worker keep.
type Collect struct {
	Collections  []string `json:"collections"`
	SamplingRate float64  `json:"sampling_rate"`
	// Without are the columns that are dropped before anything is written.
	Without []string `json:"without,omitempty"`
	// Source is what events say that they come from, and ModelVersion which model.
	Source       string `json:"source"`
	ModelVersion string `json:"model_version"`
}

// What becomes of the rows that a batch script returns.
const (
	AppendRow   = "append_row"   // all go into one file
	SummaryOnly = "summary_only" // none is kept: the script writes files itself
)

// ScoreOutput is the output of every batch task.
const ScoreOutput = "score"

// BatchTask says how the files of a task's inputs are scored.
type BatchTask struct {
	ModelFiles
	ScoringScript string `json:"scoring_script,omitempty"`
	// Processes is how many mini batches are scored at the same time.
	Processes     int `json:"processes"`
	MiniBatchSize int `json:"mini_batch_size"`
	// MaxRetries is how often a mini batch is tried again, and RetryTimeout how many
	// seconds each try may take.
	MaxRetries   int `json:"max_retries"`
	RetryTimeout int `json:"retry_timeout"`
	// ErrorThreshold is how many files may fail; below 0, any number.
	ErrorThreshold int    `json:"error_threshold"`
	OutputAction   string `json:"output_action"`
	OutputFileName string `json:"output_file_name,omitempty"`
	LoggingLevel   string `json:"logging_level"`
}

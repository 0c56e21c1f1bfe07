package job

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
)

// Status says how far a job has come, in Azure Machine Learning's words.
type Status string

const (
	NotStarted      Status = "NotStarted"
	Queued          Status = "Queued"
	Preparing       Status = "Preparing"
	Running         Status = "Running"
	Finalizing      Status = "Finalizing"
	CancelRequested Status = "CancelRequested"
	Completed       Status = "Completed"
	Failed          Status = "Failed"
	Canceled        Status = "Canceled"
	NotResponding   Status = "NotResponding"
)

// Statuses lists every Status.
func Statuses() []Status {
	return []Status{NotStarted, Queued, Preparing, Running, Finalizing, CancelRequested,
		Completed, Failed, Canceled, NotResponding}
}

// Ended reports whether a job with this status is over.
func (s Status) Ended() bool { return s == Completed || s == Failed || s == Canceled }

// Spec is what a user submits: the fields of Azure Machine Learning's command
// job, with their names. Local paths have been uploaded by the client before.
type Spec struct {
	Name                 string                 `json:"name" required:"false" doc:"Made up when it is empty."`
	Type                 string                 `json:"type" required:"false" doc:"Only \"command\" can be submitted so far, which is also the default. The jobs of batch endpoints are \"batch\"."`
	DisplayName          string                 `json:"display_name" required:"false"`
	Description          string                 `json:"description" required:"false"`
	ExperimentName       string                 `json:"experiment_name" required:"false"`
	Tags                 map[string]string      `json:"tags" required:"false"`
	Properties           map[string]string      `json:"properties" required:"false"`
	Command              string                 `json:"command" doc:"A line for the shell; ${{inputs.x}} and ${{outputs.x}} are filled in."`
	Code                 string                 `json:"code,omitempty" doc:"The uploaded snapshot, as azureml:TREE:1."`
	Environment          environment.Spec       `json:"environment" required:"false"`
	EnvironmentVariables map[string]string      `json:"environment_variables" required:"false"`
	Distribution         *Distribution          `json:"distribution,omitempty"`
	Identity             *Identity              `json:"identity,omitempty"`
	Services             map[string]SideService `json:"services,omitempty"`
	Compute              string                 `json:"compute,omitempty"`
	Resources            Resources              `json:"resources" required:"false"`
	Limits               Limits                 `json:"limits" required:"false"`
	QueueSettings        QueueSettings          `json:"queue_settings" required:"false"`
	Inputs               map[string]Input       `json:"inputs" required:"false"`
	Outputs              map[string]Output      `json:"outputs" required:"false"`
}

// Resources is what a job asks of its machine.
type Resources struct {
	InstanceCount int            `json:"instance_count,omitempty"`
	InstanceType  string         `json:"instance_type,omitempty"`
	ShmSize       string         `json:"shm_size,omitempty"`
	DockerArgs    string         `json:"docker_args,omitempty"`
	Properties    map[string]any `json:"properties,omitempty"`
	// CPUs is how many of the machine's processors the job counts for; 0 is 1.
	CPUs   int    `json:"cpus,omitempty" doc:"How many processors the job counts for; 1 if it is left out."`
	Memory string `json:"memory,omitempty" doc:"How much memory the job may use, as in 4Gi. Left out, it counts for 1Gi and is not bounded."`
	GPUs   int    `json:"gpus,omitempty" doc:"How many GPUs the job gets; it sees no others."`
}

// Identity is whom a job acts as, in Azure Machine Learning's words. There are no
// Azure identities here: it is kept and given back, and the job acts as itself.
type Identity struct {
	Type       string `json:"type" enum:"user_identity,managed,managed_identity,aml_token"`
	ClientID   string `json:"client_id,omitempty"`
	ObjectID   string `json:"object_id,omitempty"`
	ResourceID string `json:"resource_id,omitempty"`
}

// IdentityTypes are the kinds of Identity.
var IdentityTypes = []string{"user_identity", "managed", "managed_identity", "aml_token"}

// Limits bounds a job.
type Limits struct {
	// Timeout is in seconds; 0 is none.
	Timeout int `json:"timeout,omitempty"`
}

// Input is a literal, or a place of data. In JSON a literal is a plain string,
// number or boolean.
type Input struct {
	// Value is a string, a json.Number or a bool; nil when the input is data.
	Value any `json:"-"`

	Type string `json:"type,omitempty"`
	Path string `json:"path,omitempty"`
	Mode string `json:"mode,omitempty"`
}

// inputFields is Input without its methods.
type inputFields Input

// MarshalJSON writes a literal as itself and data as an object.
func (i Input) MarshalJSON() ([]byte, error) {
	if i.Value != nil {
		return json.Marshal(i.Value)
	}
	return json.Marshal(inputFields(i))
}

// UnmarshalJSON reads either form.
func (i *Input) UnmarshalJSON(text []byte) error {
	*i = Input{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if len(text) > 0 && text[0] == '{' {
		if err := decoder.Decode((*inputFields)(i)); err != nil {
			return atelier.Errorf(atelier.Invalid, "An input cannot be read: %w", err).At("inputs").
				WithHint("Give a string, a number, a boolean, or an object with type, path and mode.")
		}
		return nil
	}
	if err := decoder.Decode(&i.Value); err != nil {
		return err
	}
	switch i.Value.(type) {
	case string, json.Number, bool:
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "An input must be a string, a number, a boolean, or an object with type and path.").At("inputs")
}

// Literal is an input that is a value.
func Literal(value any) Input { return Input{Value: value} }

// Output is a place that the command writes to. An empty one is a folder.
type Output struct {
	Type    string `json:"type,omitempty"`
	Path    string `json:"path,omitempty"`
	Mode    string `json:"mode,omitempty"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

// Job is a submitted Spec and what became of it.
type Job struct {
	Spec
	Status    Status           `json:"status"`
	Error     *compute.Failure `json:"error,omitempty"`
	Notices   []string         `json:"notices" doc:"What the user should know: a field that was taken as a hint only."`
	CreatedBy string           `json:"created_by"`
	CreatedAt time.Time        `json:"created_at"`
	StartedAt *time.Time       `json:"started_at,omitempty"`
	EndedAt   *time.Time       `json:"ended_at,omitempty"`
	ExitCode  *int             `json:"exit_code,omitempty"`
	Ranks     []compute.Rank   `json:"ranks,omitempty" doc:"The processes of a job that was several."`
	Usage     *compute.Usage   `json:"usage,omitempty"`
	// Batch is set of a job that scores files for a batch endpoint, and Progress is
	// how far it is.
	Batch    *Batch            `json:"batch,omitempty"`
	Progress *compute.Progress `json:"progress,omitempty"`
	// EnvironmentInfo is the environment that the job really ran in.
	EnvironmentInfo *compute.EnvironmentInfo `json:"environment_info,omitempty"`
	Runner          *compute.Process         `json:"runner,omitempty"`
	GPUs            []int                    `json:"gpus,omitempty" doc:"The machine's GPUs that the job was given, by index."`

	workspace  string // the workspace's id
	userID     string
	phase      Status // Queued until the driver has the task, then what the runner last said
	task       compute.Task
	uses       []data.Use // of a job that is being submitted
	asks       share
	priority   int
	pool       string         // the compute's name
	handle     compute.Handle // empty before the job is claimed and after its task is released
	tokenAt    time.Time
	lastRecord int64
	version    int64
}

// ListJobs asks for a page of jobs, newest first.
type ListJobs struct {
	Experiment string
	Status     Status
	Endpoint   string // of a batch endpoint
	Deployment string // of Endpoint
	MaxResults int
	PageToken  string
}

// Names of the logs of a job.
const (
	CommandLog     = "user_logs/std_log.txt"
	EnvironmentLog = "system_logs/environment.txt"
	RunnerLog      = "system_logs/runner.txt"
)

package compute

// Types of a Distribution.
const (
	PyTorch    = "pytorch"
	MPI        = "mpi"
	TensorFlow = "tensorflow"
)

// Distribution says of how many processes a command is, and how they find each
// other. All of them run on the runner's machine: an instance is a share of it.
type Distribution struct {
	Type string `json:"type"`
	// Instances have PerInstance processes each. TensorFlow knows no instances: its
	// workers are one's.
	Instances   int `json:"instances"`
	PerInstance int `json:"per_instance"`
	// ParameterServers come beside the workers of TensorFlow.
	ParameterServers int `json:"parameter_servers,omitempty"`
}

// Processes is how many there are in all. One that is absent is one process.
func (d *Distribution) Processes() int {
	if d == nil {
		return 1
	}
	return d.Instances*d.PerInstance + d.ParameterServers
}

// Rank is what became of one process of a Distribution.
type Rank struct {
	Rank int `json:"rank"`
	// Role is "worker" or "ps" of TensorFlow.
	Role     string `json:"role,omitempty"`
	ExitCode *int   `json:"exit_code,omitempty" doc:"128 plus the signal's number when a signal ended the process; absent when it never ran."`
	Log      string `json:"log" doc:"Which of the job's logs has what it printed."`
}

package job

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// Distribution says that a job is several processes that find each other, in Azure
// Machine Learning's words.
type Distribution struct {
	Type                    string `json:"type" enum:"pytorch,mpi,tensorflow"`
	ProcessCountPerInstance int    `json:"process_count_per_instance,omitempty" doc:"Of pytorch and mpi; 1 if it is left out."`
	WorkerCount             int    `json:"worker_count,omitempty" doc:"Of tensorflow; as many as there are instances if it is left out."`
	ParameterServerCount    int    `json:"parameter_server_count,omitempty" doc:"Of tensorflow; none if it is left out."`
}

// DistributionTypes are the kinds of Distribution.
var DistributionTypes = []string{compute.PyTorch, compute.MPI, compute.TensorFlow}

// MaxProcesses bounds how many processes one job is.
const MaxProcesses = 256

// distribute checks what the job says of its processes, and returns how they are to
// be started; nil for a job that is one process.
func (j *Job) distribute() (*compute.Distribution, error) {
	instances := max(1, j.Resources.InstanceCount)
	if j.Distribution == nil {
		if instances > 1 {
			return nil, atelier.Errorf(atelier.Invalid, "A job of %d instances is several processes, and this one does not say how they find each other.", instances).
				At("resources.instance_count").WithHint("Give it a distribution of the type pytorch, mpi or tensorflow, or leave instance_count out.")
		}
		return nil, nil
	}
	d := *j.Distribution
	if err := d.check(); err != nil {
		return nil, err
	}
	spread := &compute.Distribution{Type: d.Type, Instances: instances, PerInstance: max(1, d.ProcessCountPerInstance)}
	if d.Type == compute.TensorFlow {
		workers := d.WorkerCount
		if workers == 0 {
			workers = instances
		}
		spread.Instances, spread.PerInstance, spread.ParameterServers = 1, workers, d.ParameterServerCount
	}
	if n := spread.Processes(); n > MaxProcesses {
		return nil, atelier.Errorf(atelier.Invalid, "The job would be %d processes; %d are the most.", n, MaxProcesses).At("distribution")
	}
	if gpus := j.Resources.GPUs; gpus%spread.Instances != 0 {
		return nil, atelier.Errorf(atelier.Invalid, "The job's %d GPUs cannot be shared equally between its %d instances.", gpus, spread.Instances).
			At("resources.gpus").WithHint("resources.gpus is what the whole job gets.")
	}
	if instances > 1 {
		j.Notices = append(j.Notices, fmt.Sprintf("All %d instances are on this one machine: the job's %d processes run side by side and share what resources asks for.",
			instances, spread.Processes()))
	}
	return spread, nil
}

// check refuses words and keys that do not belong to the type.
func (d Distribution) check() error {
	if !slices.Contains(DistributionTypes, d.Type) {
		return atelier.Errorf(atelier.Invalid, "There is no distribution of the type %q.", atelier.Clip(d.Type, 40)).At("distribution.type").
			WithHint("The types are %s.", strings.Join(DistributionTypes, ", "))
	}
	ofTensorFlow := d.Type == compute.TensorFlow
	for _, count := range []struct {
		key    string
		given  int
		belong bool
	}{
		{"process_count_per_instance", d.ProcessCountPerInstance, !ofTensorFlow},
		{"worker_count", d.WorkerCount, ofTensorFlow},
		{"parameter_server_count", d.ParameterServerCount, ofTensorFlow},
	} {
		if count.given < 0 || count.given > MaxProcesses {
			return atelier.Errorf(atelier.Invalid, "distribution.%s cannot be %d.", count.key, count.given).At("distribution." + count.key)
		}
		if count.given > 0 && !count.belong {
			return atelier.Errorf(atelier.Invalid, "A distribution of the type %s has no %s.", d.Type, count.key).At("distribution." + count.key)
		}
	}
	return nil
}

// ProcessLog names the log of one process of a job, as Azure Machine Learning does.
// That of the first is the job's own.
func ProcessLog(rank int) string {
	if rank == 0 {
		return CommandLog
	}
	return fmt.Sprintf("user_logs/std_log_process_%02d.txt", rank)
}

// logName returns which log of a job of so many processes name means.
func logName(name string, processes int) (string, error) {
	var rank int
	if _, err := fmt.Sscanf(name, "user_logs/std_log_process_%d.txt", &rank); err == nil && rank >= 0 && rank < processes &&
		(name == ProcessLog(rank) || name == firstProcessLog) {
		return ProcessLog(rank), nil
	}
	names := logNames(processes)
	if slices.Contains(names, name) {
		return name, nil
	}
	return "", atelier.Errorf(atelier.NotFound, "The job has no log %q.", atelier.Clip(name, 80)).At("name").
		WithHint("Its logs are %s.", strings.Join(names[:min(len(names), 10)], ", "))
}

// firstProcessLog is another name for the log of the first process.
const firstProcessLog = "user_logs/std_log_process_00.txt"

// logNames are the logs of a job of so many processes.
func logNames(processes int) []string {
	names := []string{CommandLog, EnvironmentLog, RunnerLog}
	for rank := 1; rank < processes; rank++ {
		names = append(names, ProcessLog(rank))
	}
	return names
}

package job

import (
	"context"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

func machineShare(c compute.Capacity) share { return share{c.CPUs, c.MemoryBytes, c.GPUs} }

// QueueSettings says how urgent a job is, in Azure Machine Learning's words.
type QueueSettings struct {
	Priority string `json:"priority,omitempty" enum:"low,medium,high" doc:"Medium, unless the tier says otherwise."`
	JobTier  string `json:"job_tier,omitempty" enum:"null,spot,basic,standard,premium" doc:"Without a priority, spot is low and premium high. There are no other tiers here."`
}

// Priorities and JobTiers are what QueueSettings can hold.
var (
	Priorities = []string{"low", "medium", "high"}
	JobTiers   = []string{"null", "spot", "basic", "standard", "premium"}
)

// rank is the number of the priority.
func (q QueueSettings) rank() (int, error) {
	switch strings.ToLower(q.JobTier) {
	case "", "null", "spot", "basic", "standard", "premium":
	default:
		return 0, atelier.Errorf(atelier.Invalid, "There is no tier %q.", atelier.Clip(q.JobTier, 40)).At("queue_settings.job_tier").
			WithHint("The tiers are %s.", strings.Join(JobTiers, ", "))
	}
	switch strings.ToLower(q.Priority) {
	case "low":
		return lowPriority, nil
	case "medium":
		return mediumPriority, nil
	case "high":
		return highPriority, nil
	case "":
		return tierRank(q.JobTier), nil
	}
	return 0, atelier.Errorf(atelier.Invalid, "There is no priority %q.", atelier.Clip(q.Priority, 40)).At("queue_settings.priority").
		WithHint("The priorities are %s.", strings.Join(Priorities, ", "))
}

func tierRank(tier string) int {
	switch strings.ToLower(tier) {
	case "spot":
		return lowPriority
	case "premium":
		return highPriority
	}
	return mediumPriority
}

// LocalCompute is the machine as a whole, which needs no making.
const LocalCompute = "local"

// completeResources turns what the job asks for into what the plan counts.
func (j *Job) completeResources() error {
	r := j.Resources
	if r.CPUs < 0 || r.GPUs < 0 {
		return atelier.Errorf(atelier.Invalid, "A job cannot ask for less than nothing.").At("resources")
	}
	memory, err := compute.ParseMemory(r.Memory)
	if err != nil {
		return atelier.Public(err).At("resources.memory")
	}
	j.asks = share{max(r.CPUs, 1), memory, r.GPUs}
	j.priority, err = j.QueueSettings.rank()
	return err
}

// findCompute sets the compute that the job names.
func (j *Job) findCompute() {
	j.pool = strings.TrimPrefix(j.Compute, "azureml:")
	switch strings.ToLower(j.pool) {
	case "serverless":
		j.Notices = append(j.Notices, "There is no serverless compute here; the job runs on the server's own machine.")
		j.pool = LocalCompute
	case "", LocalCompute:
		j.pool = LocalCompute
	}
}

// noteBounds tells the user where the machine does not hold the job to its memory.
func (s *Service) noteBounds(ctx context.Context, j *Job) error {
	if j.asks.memory == 0 {
		return nil
	}
	machine, err := s.Driver.Describe(ctx)
	if err == nil && machine.Unbounded != "" {
		j.Notices = append(j.Notices, "The machine does not hold jobs to their memory ("+machine.Unbounded+
			"). The job is measured once a second and ended when it is above; a short peak passes unseen.")
	}
	return err
}

// WorkspaceLimits bound what the jobs of a workspace may have at a time. A limit
// of 0 is none.
type WorkspaceLimits struct {
	JobsPerMember     int `json:"max_jobs_per_member"`
	CPUsPerMember     int `json:"max_cpus_per_member"`
	GPUsPerMember     int `json:"max_gpus_per_member"`
	JobsPerExperiment int `json:"max_jobs_per_experiment"`
}

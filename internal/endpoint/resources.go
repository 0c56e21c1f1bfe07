package endpoint

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// Resources are what one replica may have of its machine, in the words of Azure
// Machine Learning's kubernetesOnlineDeployment.
type Resources struct {
	// Requests are kept, without effect: all replicas are on one machine.
	Requests *Amounts `json:"requests,omitempty"`
	Limits   *Amounts `json:"limits,omitempty"`
}

// Amounts are written as Kubernetes does.
type Amounts struct {
	CPU    string `json:"cpu,omitempty" doc:"Processors, as in 0.5, 500m or 2."`
	Memory string `json:"memory,omitempty" doc:"As in 512Mi or 4Gi."`
}

// maxCPUs is more than any machine has.
const maxCPUs = 4096

// maxProcesses is how many processes and threads a replica with so many workers may
// be: libraries make a thread for every processor, and several libraries may.
func maxProcesses(workers, cpus int) int { return 512 + workers*8*(2+cpus) }

// bounds are Resources as numbers; 0 is what was left out.
type bounds struct {
	memory int64
	cpus   float64
}

// bounds returns the limits, or why they make no sense.
func (r *Resources) bounds() (b bounds, err error) {
	if r == nil {
		return b, nil
	}
	for field, amounts := range map[string]*Amounts{"resources.requests": r.Requests, "resources.limits": r.Limits} {
		if amounts == nil {
			continue
		}
		var found bounds
		if found.memory, err = compute.ParseMemory(amounts.Memory); err != nil {
			return b, atelier.Public(err).At(field + ".memory")
		}
		if found.cpus, err = ParseCPUs(amounts.CPU); err != nil {
			return b, atelier.Public(err).At(field + ".cpu")
		}
		if amounts == r.Limits {
			b = found
		}
	}
	return b, nil
}

var cpuForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?m?$`)

// ParseCPUs reads a number of processors: "2", "0.5", "500m". It returns 0 for "".
func ParseCPUs(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	number, err := strconv.ParseFloat(strings.TrimSuffix(text, "m"), 64)
	if strings.HasSuffix(text, "m") {
		number /= 1000
	}
	if err != nil || !cpuForm.MatchString(text) || number < 0.01 || number > maxCPUs {
		return 0, atelier.Errorf(atelier.Invalid, "%q is not a number of processors.", atelier.Clip(text, 40)).
			WithHint("Write a number from 0.01, or thousandths: \"2\", \"0.5\", \"500m\".")
	}
	return number, nil
}

// hold tells the runner what its replica may have. A replica without a limit of its
// own may have most of the machine's memory, and leaves the rest to what else is there.
func (s *Service) hold(ctx context.Context, settings Settings, task *compute.Task) error {
	limits, err := settings.Resources.bounds()
	if err != nil {
		return err
	}
	machine, err := s.Driver.Describe(ctx)
	if err != nil {
		return err
	}
	if limits.memory == 0 {
		limits.memory = machine.MemoryBytes / 4 * 3
	}
	task.MemoryBytes, task.CPUs, task.Processes = limits.memory, limits.cpus, maxProcesses(settings.workers(), machine.CPUs)
	return nil
}

// noteMachine tells the user where the machine does not keep a worker to its own, or
// not to its memory.
func (s *Service) noteMachine(ctx context.Context, from *Source) error {
	machine, err := s.Driver.Describe(ctx)
	if err != nil {
		return err
	}
	if machine.Unconfined != "" {
		from.Notices = append(from.Notices, "The machine takes no rights from scoring workers ("+machine.Unconfined+
			"): the deployment's code can read whatever the server's user can, the server's key among it.")
	}
	if machine.Unbounded != "" {
		from.Notices = append(from.Notices, "The machine does not hold workers to their memory ("+machine.Unbounded+
			"). It is measured once a second, and a worker above its limit is restarted; a short peak passes unseen.")
	}
	return nil
}

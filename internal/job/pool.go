package job

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Types of a Compute. Both are parts of the server's machine.
const (
	LocalType  = "local"
	AmlCompute = "amlcompute" // an Azure cluster's file, taken as a part of this machine
)

// ComputeDefinition is what is written about a compute.
type ComputeDefinition struct {
	Description  string            `json:"description,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	Size         string            `json:"size,omitempty" doc:"amlcompute: kept, without effect."`
	Tier         string            `json:"tier,omitempty" doc:"amlcompute: kept, without effect."`
	MinInstances int               `json:"min_instances,omitempty" doc:"amlcompute: kept, without effect."`
	MaxInstances int               `json:"max_instances,omitempty" doc:"amlcompute: the number of slots, unless that is given."`
	Ignored      []string          `json:"ignored,omitempty" doc:"Keys of Azure's file that mean nothing here."`
}

// CreateCompute describes a compute to make.
type CreateCompute struct {
	Name  string `json:"name"`
	Type  string `json:"type" enum:"local,amlcompute"`
	Slots int    `json:"slots,omitempty" doc:"How many jobs run on it at a time; 1 if it is left out."`
	ComputeDefinition
}

// UpdateCompute changes what is not nil.
type UpdateCompute struct {
	Slots       *int    `json:"slots,omitempty"`
	Description *string `json:"description,omitempty"`
}

// Compute is a named part of the machine: so many jobs run on it at a time.
type Compute struct {
	Name  string `json:"name"`
	Type  string `json:"type" enum:"local,amlcompute"`
	State string `json:"state" enum:"Running,Stopped"`
	Slots int    `json:"slots" doc:"0 for local, where room alone decides."`
	ComputeDefinition
	Running   int        `json:"running" doc:"Jobs of the workspace that are placed on it."`
	Queued    int        `json:"queued" doc:"Jobs of the workspace that wait for it."`
	Machine   Amounts    `json:"machine"`
	Notices   []string   `json:"notices" doc:"What is not as its file says."`
	CreatedBy string     `json:"created_by,omitempty"`
	CreatedAt *time.Time `json:"created_at,omitempty"`

	stopped bool
}

const maxSlots = 10_000

func checkSlots(slots int) error {
	if slots < 1 || slots > maxSlots {
		return atelier.Errorf(atelier.Invalid, "A compute has from 1 to %d slots, and not %d.", maxSlots, slots).At("slots")
	}
	return nil
}

func (c CreateCompute) check() error {
	if err := atelier.CheckAssetName("compute", c.Name); err != nil {
		return err
	}
	if name := strings.ToLower(c.Name); name == LocalCompute || name == "serverless" {
		return atelier.Errorf(atelier.Conflict, "Every workspace has the compute %q.", name).At("name").WithHint("Choose another name.")
	}
	if c.Type != LocalType && c.Type != AmlCompute {
		return atelier.Errorf(atelier.NotImplemented, "Computes of type %q are not offered.", atelier.Clip(c.Type, 40)).At("type").
			WithHint("Use local, or amlcompute for a part of this machine under the name of a cluster.")
	}
	if c.MinInstances < 0 || c.MaxInstances < 0 || c.MinInstances > c.MaxInstances {
		return atelier.Errorf(atelier.Invalid, "A cluster cannot have from %d to %d instances.", c.MinInstances, c.MaxInstances).At("min_instances").
			WithHint("max_instances is the number of slots; min_instances is kept, without effect.")
	}
	return checkSlots(c.Slots)
}

// CreateCompute makes a compute.
func (s *Service) CreateCompute(ctx context.Context, ws string, ask CreateCompute) (Compute, error) {
	if ask.Slots == 0 {
		ask.Slots = max(ask.MaxInstances, 1)
	}
	if err := ask.check(); err != nil {
		return Compute{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	c := Compute{Name: ask.Name, Type: ask.Type, Slots: ask.Slots, ComputeDefinition: ask.ComputeDefinition, CreatedBy: actor.Name}
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		now := tx.Now()
		c.CreatedAt = &now
		return insertCompute(ctx, tx, ws, c)
	})
	if err != nil {
		return Compute{}, err
	}
	return s.GetCompute(ctx, ws, ask.Name)
}

// ListComputes returns the machine as a whole, and the computes by name.
func (s *Service) ListComputes(ctx context.Context, ws string) (all []Compute, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = selectComputes(ctx, tx, ws)
		all = append([]Compute{{Name: LocalCompute, Type: LocalType, ComputeDefinition: ComputeDefinition{Description: "The server's machine."}}}, all...)
		if err == nil {
			err = countComputeJobs(ctx, tx, ws, all)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	machine, err := s.Driver.Describe(ctx)
	for i := range all {
		all[i].describe(machine)
	}
	return all, err
}

// GetCompute returns the compute called name.
func (s *Service) GetCompute(ctx context.Context, ws, name string) (Compute, error) {
	all, err := s.ListComputes(ctx, ws)
	for _, c := range all {
		if c.Name == name {
			return c, err
		}
	}
	if err == nil {
		err = noCompute(name)
	}
	return Compute{}, err
}

func noCompute(name string) error {
	name = atelier.Clip(name, 60)
	return atelier.Errorf(atelier.NotFound, "There is no compute %q.", name).At("compute").
		WithHint("Make it with `atelier compute create --name %s --slots 2`, or leave compute out to run on the machine as a whole.", name)
}

// describe says what a compute is on this machine, and what it does not do.
func (c *Compute) describe(machine compute.Capacity) {
	c.Machine = machineShare(machine).amounts()
	c.State = "Running"
	if c.stopped {
		c.State = "Stopped"
	}
	c.Notices = []string{}
	if machine.Unbounded != "" {
		c.Notices = append(c.Notices, "The machine does not hold jobs to their memory ("+machine.Unbounded+"): they are measured once a second.")
	}
	if c.Slots > machine.CPUs {
		c.Notices = append(c.Notices, fmt.Sprintf("Each job counts for a processor at least, and the machine has %d: no more of its jobs run at a time.", machine.CPUs))
	}
	if c.Type == AmlCompute {
		c.Notices = append(c.Notices, c.asCluster()...)
	}
}

// asCluster says what became of an Azure cluster's file.
func (c *Compute) asCluster() []string {
	became := fmt.Sprintf("It is a part of the server's own machine: max_instances became %d slots.", c.Slots)
	if c.MaxInstances != c.Slots {
		became = fmt.Sprintf("It is a part of the server's own machine, with %s; max_instances was %d.", count(c.Slots, "slot"), c.MaxInstances)
	}
	ignored := slices.Clone(c.Ignored)
	for key, given := range map[string]bool{"size": c.Size != "", "tier": c.Tier != "", "min_instances": c.MinInstances > 0} {
		if given {
			ignored = append(ignored, key)
		}
	}
	if len(ignored) == 0 {
		return []string{became}
	}
	slices.Sort(ignored)
	return []string{became, "Without effect here: " + strings.Join(ignored, ", ") + "."}
}

// UpdateCompute changes a compute. Jobs that run go on when it gets fewer slots.
func (s *Service) UpdateCompute(ctx context.Context, ws, name string, change UpdateCompute) (Compute, error) {
	if change.Slots != nil {
		if err := checkSlots(*change.Slots); err != nil {
			return Compute{}, err
		}
	}
	return s.changeCompute(ctx, ws, name, func(c *Compute) {
		if change.Slots != nil {
			c.Slots = *change.Slots
		}
		if change.Description != nil {
			c.Description = *change.Description
		}
	})
}

// StopCompute has the queued jobs of a compute wait. Those that run go on.
func (s *Service) StopCompute(ctx context.Context, ws, name string) (Compute, error) {
	return s.changeCompute(ctx, ws, name, func(c *Compute) { c.stopped = true })
}

// StartCompute lets the jobs of a stopped compute run.
func (s *Service) StartCompute(ctx context.Context, ws, name string) (Compute, error) {
	return s.changeCompute(ctx, ws, name, func(c *Compute) { c.stopped = false })
}

func (s *Service) changeCompute(ctx context.Context, ws, name string, change func(*Compute)) (Compute, error) {
	if name == LocalCompute {
		return Compute{}, atelier.Errorf(atelier.Precondition, "The compute local is the machine itself and cannot be changed.")
	}
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		c, err := selectCompute(ctx, tx, ws, name)
		if err != nil {
			return err
		}
		change(&c)
		return updateCompute(ctx, tx, ws, c)
	})
	if err != nil {
		return Compute{}, err
	}
	s.wakeUp()
	return s.GetCompute(ctx, ws, name)
}

// DeleteCompute forgets a compute that no unfinished job is on.
func (s *Service) DeleteCompute(ctx context.Context, ws, name string) error {
	if name == LocalCompute {
		return atelier.Errorf(atelier.Precondition, "The compute local is the machine itself and cannot be deleted.")
	}
	return s.DB.Write(ctx, func(tx *sqldb.Tx) error {
		if err := holdCompute(ctx, tx, ws, name); err != nil { // jobs that come now wait, and find it gone
			return err
		}
		busy := []Compute{{Name: name}}
		if err := countComputeJobs(ctx, tx, ws, busy); err != nil {
			return err
		}
		if n := busy[0].Running + busy[0].Queued; n > 0 {
			return atelier.Errorf(atelier.Precondition, "The compute %q has %d jobs that have not ended.", name, n).
				WithHint("Cancel them with `atelier job cancel NAME`, or wait.")
		}
		return deleteCompute(ctx, tx, ws, name)
	})
}

// Limits returns what the jobs of a workspace may have at a time.
func (s *Service) Limits(ctx context.Context, ws string) (limits WorkspaceLimits, err error) {
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		all, err := selectLimits(ctx, tx)
		limits = all[ws]
		return err
	})
	return limits, err
}

// SetLimits replaces the limits of a workspace. Jobs that run go on.
func (s *Service) SetLimits(ctx context.Context, ws string, limits WorkspaceLimits) (WorkspaceLimits, error) {
	if min(limits.JobsPerMember, limits.CPUsPerMember, limits.GPUsPerMember, limits.JobsPerExperiment) < 0 {
		return limits, atelier.Errorf(atelier.Invalid, "A limit cannot be less than 0, which is none.")
	}
	err := s.DB.Write(ctx, func(tx *sqldb.Tx) error { return upsertLimits(ctx, tx, ws, limits) })
	if err == nil {
		s.wakeUp()
	}
	return limits, err
}

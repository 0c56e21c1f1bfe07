package job

import (
	"context"
	"fmt"

	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
)

// Types of jobs.
const (
	CommandType = "command"
	BatchType   = "batch" // scores files for a batch endpoint
)

// Batch says what a job of type batch scores with.
type Batch struct {
	Endpoint   string `json:"endpoint_name"`
	Deployment string `json:"deployment_name"`
	compute.BatchTask
}

func (b *Batch) endpoint() string {
	if b == nil {
		return ""
	}
	return b.Endpoint
}

func (b *Batch) deployment() string {
	if b == nil {
		return ""
	}
	return b.Deployment
}

// Scoring is what a batch deployment asks for: a job that scores all files of its
// inputs. What the deployment refers to was found when it was made.
type Scoring struct {
	Spec
	Batch       Batch
	Code        blob.Hash // the folder of the scoring script
	Environment environment.Definition
	// Model is the input that the run will have read beside its data.
	Model *data.Use
}

// modelInput is the name under which a run has the model that it scored with.
const modelInput = "model"

// SubmitScoring queues a job of a batch deployment. It has one output, for the rows.
func (s *Service) SubmitScoring(ctx context.Context, ws string, ask Scoring) (Job, error) {
	notices, err := s.fitProcesses(ctx, &ask)
	if err != nil {
		return Job{}, err
	}
	ask.Type = BatchType
	j, err := newJob(ctx, ws, ask.Spec)
	if err != nil {
		return Job{}, err
	}
	j.Notices = append(j.Notices, notices...)
	if err := s.noteBounds(ctx, &j); err != nil {
		return Job{}, err
	}
	j.Batch = &ask.Batch
	j.begin(ctx, ask.Environment)
	j.task.CodeTree, j.task.Batch = ask.Code, &ask.Batch.BatchTask
	if err := s.fill(ctx, &j); err != nil {
		return Job{}, err
	}
	if use := ask.Model; use != nil {
		use.RunID, use.Direction, use.Name = j.Name, data.Input, modelInput
		j.uses = append(j.uses, *use)
	}
	return s.enter(ctx, j, ask.Environment)
}

// fitProcesses gives a job no more processes than the machine has processors, counts
// it for those, and says what of it is not as it was asked for.
func (s *Service) fitProcesses(ctx context.Context, ask *Scoring) (notices []string, err error) {
	machine, err := s.Driver.Describe(ctx)
	if err != nil {
		return nil, err
	}
	if most := max(machine.CPUs, 1); ask.Batch.Processes > most {
		notices = append(notices, fmt.Sprintf("The deployment asks for %d processes; the machine has %d processors, so %d run.", ask.Batch.Processes, most, most))
		ask.Batch.Processes = most
	}
	if ask.Resources.CPUs == 0 {
		ask.Resources.CPUs = ask.Batch.Processes
	}
	return notices, nil
}

package job

import (
	"context"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/vault"
)

// findSecrets checks that the secrets to which the task's variables refer are
// there, and that whoever asks may use them. The task has their names alone.
func (s *Service) findSecrets(ctx context.Context, j *Job) (err error) {
	if j.task.Secrets, err = s.Secrets.Check(ctx, j.workspace, j.task.EnvironmentVariables); err != nil {
		return err
	}
	if len(j.task.Secrets) > 0 {
		j.Notices = append(j.Notices, "The job is given the secrets "+strings.Join(j.task.Secrets, ", ")+". They are masked in its logs.")
	}
	return nil
}

// RevealSecrets returns the values of the secrets that a running job names, to its
// runner alone.
func (s *Service) RevealSecrets(ctx context.Context, ws, task string) (compute.Secrets, error) {
	if err := ownTask(ctx, task); err != nil {
		return compute.Secrets{}, err
	}
	j, err := s.Get(ctx, ws, task)
	if err != nil {
		return compute.Secrets{}, err
	}
	if j.Status.Ended() {
		return compute.Secrets{}, atelier.Errorf(atelier.Precondition, "The job %q has ended.", j.Name)
	}
	values, err := s.Secrets.Reveal(ctx, ws, j.task.Secrets,
		vault.Use{Kind: "job", Task: j.Name, User: atelier.Actor{Kind: atelier.User, ID: j.userID, Name: j.CreatedBy}})
	return compute.Secrets{Values: values}, err
}

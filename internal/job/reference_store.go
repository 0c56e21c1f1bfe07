package job

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// References calls found with the code and the inputs of every job in a
// workspace: a job that has ended can be looked at, and submitted again.
func References(ctx context.Context, tx *sqldb.Tx, ws string, found func(blob.Reference)) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var spec, task string
		err := rows.Scan(&spec, &task)
		for _, r := range blob.ReferencesIn(spec + " " + task) {
			found(r)
		}
		return err
	}, `SELECT spec, task FROM jobs WHERE workspace_id = $1`, ws)
}

// MayPurge refuses to let the run of a job be removed for good while the job's
// task is not put away.
func (s *Service) MayPurge(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	j, err := selectJob(ctx, tx, ws, name)
	if atelier.CodeOf(err) == atelier.NotFound {
		return nil
	}
	if err == nil && (!j.Status.Ended() || j.handle != "") {
		return atelier.Errorf(atelier.Precondition, "Its job has not ended, or the job's runner has not left yet.")
	}
	return err
}

// Purge forgets the job of a run that is removed for good, if there is one: every
// job has a run.
func (s *Service) Purge(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	j, err := selectJob(ctx, tx, ws, name)
	if err != nil {
		if atelier.CodeOf(err) == atelier.NotFound {
			return nil
		}
		return err
	}
	s.removeLogs(j)
	return deleteJob(ctx, tx, ws, name)
}

// RefuseFull refuses to delete a workspace that has jobs.
func RefuseFull(ctx context.Context, tx *sqldb.Tx, ws string) error {
	return workspace.RefuseFull(ctx, tx, ws, "jobs", "jobs", "1 = 1")
}

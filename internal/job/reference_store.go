package job

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
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

// Purge forgets the job of a run that is removed for good, if there is one: every
// job has a run. It refuses while the job's task is not put away.
func (s *Service) Purge(ctx context.Context, tx *sqldb.Tx, ws, name string) error {
	j, err := selectJob(ctx, tx, ws, name)
	if atelier.CodeOf(err) == atelier.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if !j.Status.Ended() || j.handle != "" {
		return atelier.Errorf(atelier.Precondition, "The job %q has not ended, or its runner has not left yet.", name)
	}
	s.removeLogs(ws, name)
	return deleteJob(ctx, tx, ws, name)
}

package tracking

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

func selectSummary(ctx context.Context, tx *sqldb.Tx, at summarised) (out summary, err error) {
	var text string
	var took int64
	err = tx.QueryRow(ctx, `SELECT took, summary FROM storage_summaries WHERE workspace_id = $1 AND experiment_id = $2`,
		at.workspace, at.experiment).Scan(&took, &text)
	if err != nil {
		return out, err
	}
	out.took = time.Duration(took) * time.Microsecond
	return out, sqldb.FromJSON(text, &out.Storage)
}

func upsertSummary(ctx context.Context, tx *sqldb.Tx, at summarised, s summary) error {
	_, err := tx.Exec(ctx, `INSERT INTO storage_summaries (workspace_id, experiment_id, took, summary) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, experiment_id) DO UPDATE SET took = excluded.took, summary = excluded.summary`,
		at.workspace, at.experiment, s.took.Microseconds(), sqldb.JSON(s.Storage))
	return err
}

func deleteSummary(ctx context.Context, tx *sqldb.Tx, at summarised) error {
	_, err := tx.Exec(ctx, `DELETE FROM storage_summaries WHERE workspace_id = $1 AND experiment_id = $2`, at.workspace, at.experiment)
	return err
}

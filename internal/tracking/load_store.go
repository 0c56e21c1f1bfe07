package tracking

import (
	"context"
	"maps"
	"slices"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// loadRuns returns runs that are there, in the order of ids, with what they
// logged, in a few queries for all of them.
func loadRuns(ctx context.Context, tx *sqldb.Tx, ws string, ids []string) ([]Run, error) {
	runs := make([]Run, len(ids))
	at := make(map[string]*Run, len(ids))
	for i, id := range ids {
		at[id] = &runs[i]
	}
	err := inChunks(ids, func(marks string, args []any) error {
		args = append([]any{ws}, args...)
		err := tx.Query(ctx, func(rows *sqldb.Rows) error {
			run, err := scanRun(rows.Scan)
			*at[run.ID] = run
			return err
		}, `SELECT `+runColumns+` FROM runs r WHERE r.workspace_id = $1 AND r.id IN (`+marks+`)`, args...)
		if err != nil {
			return err
		}
		if err := loadPairs(ctx, tx, marks, args, at); err != nil {
			return err
		}
		if err := loadLinks(ctx, tx, marks, args, at); err != nil {
			return err
		}
		if err := loadInputs(ctx, tx, marks, args, at); err != nil {
			return err
		}
		return loadMetrics(ctx, tx, ws, args[1:], at)
	})
	if err != nil {
		return nil, err
	}
	return runs, loadExperimentNames(ctx, tx, ws, runs)
}

func loadMetrics(ctx context.Context, tx *sqldb.Tx, ws string, ids []any, at map[string]*Run) error {
	runs := make([]string, len(ids))
	for i, id := range ids {
		runs[i] = id.(string)
	}
	latest, err := series.Latest(ctx, tx, ws, runs)
	if err != nil {
		return err
	}
	for id, points := range latest {
		at[id].Metrics = points
	}
	return nil
}

func loadPairs(ctx context.Context, tx *sqldb.Tx, marks string, args []any, at map[string]*Run) error {
	var run, key, value string
	err := tx.Query(ctx, func(rows *sqldb.Rows) error {
		if err := rows.Scan(&run, &key, &value); err != nil {
			return err
		}
		at[run].Params[key] = value
		return nil
	}, `SELECT run_id, key, value FROM run_params WHERE workspace_id = $1 AND run_id IN (`+marks+`)`, args...)
	if err != nil {
		return err
	}
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		if err := rows.Scan(&run, &key, &value); err != nil {
			return err
		}
		at[run].Tags[key] = value
		if key == TagParent {
			at[run].ParentRunID = value
		}
		return nil
	}, `SELECT run_id, key, value FROM run_tags WHERE workspace_id = $1 AND run_id IN (`+marks+`)`, args...)
}

func loadLinks(ctx context.Context, tx *sqldb.Tx, marks string, args []any, at map[string]*Run) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var run, direction string
		var link ModelLink
		if err := rows.Scan(&run, &direction, &link.ModelID, &link.Step); err != nil {
			return err
		}
		if direction == outputLink {
			at[run].Outputs = append(at[run].Outputs, link)
		} else {
			at[run].ModelInputs = append(at[run].ModelInputs, link)
		}
		return nil
	}, `SELECT run_id, direction, model_id, step FROM run_models
		WHERE workspace_id = $1 AND run_id IN (`+marks+`) ORDER BY run_id, step, model_id`, args...)
}

func loadInputs(ctx context.Context, tx *sqldb.Tx, marks string, args []any, at map[string]*Run) error {
	return tx.Query(ctx, func(rows *sqldb.Rows) error {
		var run, tags string
		var input Input
		err := rows.Scan(&run, &input.Name, &input.Digest, &input.Context, &tags, &input.SourceType, &input.Source)
		if err != nil {
			return err
		}
		at[run].Inputs = append(at[run].Inputs, input)
		return sqldb.FromJSON(tags, &at[run].Inputs[len(at[run].Inputs)-1].Tags)
	}, `SELECT i.run_id, i.name, i.digest, i.context, i.tags, d.source_type, d.source
		FROM run_datasets i JOIN datasets d ON d.workspace_id = i.workspace_id
			AND d.experiment_id = i.experiment_id AND d.name = i.name AND d.digest = i.digest
		WHERE i.workspace_id = $1 AND i.run_id IN (`+marks+`) ORDER BY i.run_id, i.position, i.name, i.digest`, args...)
}

// loadInputDetails adds the schemas and profiles, which may be megabytes and so
// are not part of a list.
func loadInputDetails(ctx context.Context, tx *sqldb.Tx, ws string, run *Run) error {
	run.Inputs = slices.Clone(run.Inputs) // the list may be remembered
	for i := range run.Inputs {
		input := &run.Inputs[i]
		err := tx.QueryRow(ctx, `SELECT schema_text, profile FROM datasets
			WHERE workspace_id = $1 AND experiment_id = $2 AND name = $3 AND digest = $4`,
			ws, run.ExperimentID, input.Name, input.Digest).Scan(&input.Schema, &input.Profile)
		if err != nil {
			return err
		}
	}
	return nil
}

func loadExperimentNames(ctx context.Context, tx *sqldb.Tx, ws string, runs []Run) error {
	names := map[string]string{}
	for _, run := range runs {
		names[run.ExperimentID] = ""
	}
	err := inChunks(slices.Sorted(maps.Keys(names)), func(marks string, args []any) error {
		return tx.Query(ctx, func(rows *sqldb.Rows) error {
			var id, name string
			err := rows.Scan(&id, &name)
			names[id] = name
			return err
		}, `SELECT id, name FROM experiments WHERE workspace_id = $1 AND id IN (`+marks+`)`, append([]any{ws}, args...)...)
	})
	for i := range runs {
		runs[i].ExperimentName = names[runs[i].ExperimentID]
	}
	return err
}

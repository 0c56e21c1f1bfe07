-- What the files of an experiment take, and which of them others share, is summed
-- up from indexes alone. A run's children are found without looking at every tag.
ALTER TABLE artifacts ADD COLUMN experiment_id TEXT COLLATE "C" NOT NULL DEFAULT '';

UPDATE artifacts SET experiment_id = COALESCE((SELECT r.experiment_id FROM runs r
    WHERE r.workspace_id = artifacts.workspace_id AND r.id = artifacts.owner_id), '') WHERE owner_kind = 'run';

UPDATE artifacts SET experiment_id = COALESCE((SELECT m.experiment_id FROM logged_models m
    WHERE m.workspace_id = artifacts.workspace_id AND m.id = artifacts.owner_id), '') WHERE owner_kind = 'logged_model';

DROP INDEX artifacts_by_hash;

CREATE INDEX artifacts_by_hash ON artifacts (workspace_id, hash, experiment_id, size);

CREATE INDEX artifacts_by_experiment ON artifacts (workspace_id, experiment_id, hash, size);

CREATE INDEX run_tags_of_parents ON run_tags (workspace_id, value) WHERE key = 'mlflow.parentRunId';

CREATE INDEX data_versions_by_run ON data_versions (workspace_id, run_id);

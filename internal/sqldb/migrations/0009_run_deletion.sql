-- When a run was deleted, so that old ones can be removed for good.
ALTER TABLE runs ADD COLUMN deleted_at BIGINT;

UPDATE runs SET deleted_at = COALESCE(ended_at, started_at) WHERE lifecycle_stage = 'deleted';

CREATE INDEX runs_by_deletion ON runs (workspace_id, lifecycle_stage, deleted_at);

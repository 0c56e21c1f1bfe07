-- Versions are listed by their last change, as MLflow does, and found by the
-- logged model that they were made from.
DROP INDEX model_versions_by_time;

CREATE INDEX model_versions_by_change ON model_versions (workspace_id, updated_at DESC, name, version DESC);

CREATE INDEX model_versions_by_logged_model ON model_versions (workspace_id, logged_model_id) WHERE logged_model_id <> '';

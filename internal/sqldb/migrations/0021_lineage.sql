-- What became of a run's outputs and of bytes: the lineage asks from that end.
CREATE INDEX data_uses_by_source ON data_uses (workspace_id, source_run) WHERE source_run <> '';

CREATE INDEX data_uses_by_tree ON data_uses (workspace_id, tree) WHERE tree <> '';

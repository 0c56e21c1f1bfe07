-- Runs are searched by what was logged: a few among many have a certain param or
-- tag. The values may be long, so the indexes have their beginnings.
CREATE INDEX run_params_by_value ON run_params (workspace_id, key, SUBSTR(value, 1, 100), run_id);

CREATE INDEX run_tags_by_value ON run_tags (workspace_id, key, SUBSTR(value, 1, 100), run_id);

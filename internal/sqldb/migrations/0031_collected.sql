-- Files of lines that deployments' collectors and the router left, and, with 0
-- lines, large payloads that lines refer to. "path" is in the workspace's datastore.
CREATE TABLE collected_files (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    path         TEXT COLLATE "C" NOT NULL,
    endpoint     TEXT COLLATE "C" NOT NULL,
    deployment   TEXT COLLATE "C" NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    writer       TEXT COLLATE "C" NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL,
    size         BIGINT NOT NULL,
    lines        BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, path)
);
CREATE INDEX collected_files_by_time ON collected_files (workspace_id, endpoint, deployment, collection, at, path);

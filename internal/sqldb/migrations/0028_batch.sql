-- Batch endpoints score folders of files with jobs. "settings" is what the user
-- chose for a deployment and "source" what its references turned out to be, as JSON.
CREATE TABLE batch_endpoints (
    workspace_id       TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name               TEXT COLLATE "C" NOT NULL,
    description        TEXT NOT NULL,
    tags               TEXT NOT NULL,
    properties         TEXT NOT NULL,
    default_deployment TEXT COLLATE "C" NOT NULL,
    created_by         TEXT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE batch_deployments (
    workspace_id TEXT COLLATE "C" NOT NULL,
    endpoint     TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    settings     TEXT NOT NULL,
    source       TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, endpoint, name),
    FOREIGN KEY (workspace_id, endpoint) REFERENCES batch_endpoints (workspace_id, name) ON DELETE CASCADE
);

-- What a job scores for, and how far it is, as JSON.
ALTER TABLE jobs ADD COLUMN batch_endpoint TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN batch_deployment TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN progress TEXT;
CREATE INDEX jobs_by_batch_endpoint ON jobs (workspace_id, batch_endpoint, created_at);

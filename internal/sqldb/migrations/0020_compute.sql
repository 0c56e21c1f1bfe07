-- Named parts of the machine, and what the jobs of a workspace may have at a time.
-- definition is JSON: what only people read.
CREATE TABLE computes (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    type         TEXT COLLATE "C" NOT NULL,
    slots        BIGINT NOT NULL,
    stopped      BOOLEAN NOT NULL,
    definition   TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE job_limits (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    limits       TEXT NOT NULL,
    PRIMARY KEY (workspace_id)
);

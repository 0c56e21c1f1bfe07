-- Files that come in parts, until all are there. The secret signs the addresses to
-- which the parts are sent.
CREATE TABLE uploads (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id           TEXT COLLATE "C" NOT NULL,
    path         TEXT NOT NULL,
    parts        BIGINT NOT NULL,
    secret       TEXT NOT NULL,
    job          TEXT COLLATE "C" NOT NULL,
    done         BOOLEAN NOT NULL,
    expires_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

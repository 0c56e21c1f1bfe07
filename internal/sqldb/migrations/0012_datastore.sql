-- Places where data lies. credentials is sealed by the vault; trusted says that an
-- owner of the server made the datastore, which may lie in its own network then.
CREATE TABLE datastores (
    workspace_id     TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name             TEXT COLLATE "C" NOT NULL,
    type             TEXT COLLATE "C" NOT NULL,
    location         TEXT NOT NULL,
    description      TEXT NOT NULL,
    tags             TEXT NOT NULL,
    credentials_type TEXT COLLATE "C" NOT NULL,
    credentials      TEXT NOT NULL,
    trusted          BOOLEAN NOT NULL,
    created_by       TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

-- A version that lies elsewhere says where, as JSON; empty for one that is stored.
ALTER TABLE data_versions ADD COLUMN reference TEXT NOT NULL DEFAULT '';

ALTER TABLE data_uses ADD COLUMN reference TEXT NOT NULL DEFAULT '';

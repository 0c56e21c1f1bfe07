-- Data assets: names, and their versions that never change.
CREATE TABLE data_assets (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    archived     BOOLEAN NOT NULL,
    last_number  BIGINT NOT NULL,
    last_serial  BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

-- serial counts the versions of an asset in the order in which they were made.
-- tree is the id of the version's files; empty when they lie elsewhere.
CREATE TABLE data_versions (
    workspace_id TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    version      TEXT COLLATE "C" NOT NULL,
    serial       BIGINT NOT NULL,
    type         TEXT COLLATE "C" NOT NULL,
    path         TEXT COLLATE "C" NOT NULL,
    tree         TEXT COLLATE "C" NOT NULL,
    size         BIGINT NOT NULL,
    files        BIGINT NOT NULL,
    description  TEXT NOT NULL,
    tags         TEXT NOT NULL,
    properties   TEXT NOT NULL,
    archived     BOOLEAN NOT NULL,
    run_id       TEXT COLLATE "C" NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name, version),
    FOREIGN KEY (workspace_id, name) REFERENCES data_assets (workspace_id, name) ON DELETE CASCADE
);

CREATE UNIQUE INDEX data_versions_by_serial ON data_versions (workspace_id, name, serial DESC);

-- What each run read and made, with the bytes: the lineage. name is the input's
-- or the output's; data_name and data_version are empty for what is no asset.
CREATE TABLE data_uses (
    workspace_id TEXT COLLATE "C" NOT NULL,
    run_id       TEXT COLLATE "C" NOT NULL,
    direction    TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    type         TEXT COLLATE "C" NOT NULL,
    path         TEXT NOT NULL,
    data_name    TEXT COLLATE "C" NOT NULL,
    data_version TEXT COLLATE "C" NOT NULL,
    source_run   TEXT COLLATE "C" NOT NULL,
    tree         TEXT COLLATE "C" NOT NULL,
    used_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, run_id, direction, name),
    FOREIGN KEY (workspace_id, run_id) REFERENCES runs (workspace_id, id) ON DELETE CASCADE
);

CREATE INDEX data_uses_by_version ON data_uses (workspace_id, data_name, data_version, used_at DESC);

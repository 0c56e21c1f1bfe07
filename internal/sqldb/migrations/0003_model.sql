-- The registry: models, and their versions that count up and never change.
CREATE TABLE registered_models (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    description  TEXT NOT NULL,
    last_version BIGINT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE registered_model_tags (
    workspace_id TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, name, key),
    FOREIGN KEY (workspace_id, name) REFERENCES registered_models (workspace_id, name) ON UPDATE CASCADE ON DELETE CASCADE
);

-- tree is the id of the version's files; empty when they lie outside the server.
CREATE TABLE model_versions (
    workspace_id    TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL,
    type            TEXT COLLATE "C" NOT NULL,
    path            TEXT COLLATE "C" NOT NULL,
    tree            TEXT COLLATE "C" NOT NULL,
    size            BIGINT NOT NULL,
    flavors         TEXT NOT NULL,
    description     TEXT NOT NULL,
    properties      TEXT NOT NULL,
    stage           TEXT COLLATE "C" NOT NULL,
    run_id          TEXT COLLATE "C" NOT NULL,
    run_link        TEXT NOT NULL,
    logged_model_id TEXT COLLATE "C" NOT NULL,
    created_by      TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name, version),
    FOREIGN KEY (workspace_id, name) REFERENCES registered_models (workspace_id, name) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE INDEX model_versions_by_run ON model_versions (workspace_id, run_id);

CREATE INDEX model_versions_by_time ON model_versions (workspace_id, created_at DESC, name, version DESC);

CREATE TABLE model_version_tags (
    workspace_id TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, name, version, key),
    FOREIGN KEY (workspace_id, name, version) REFERENCES model_versions (workspace_id, name, version) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE TABLE model_aliases (
    workspace_id TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    alias        TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name, alias),
    FOREIGN KEY (workspace_id, name, version) REFERENCES model_versions (workspace_id, name, version) ON UPDATE CASCADE ON DELETE CASCADE
);

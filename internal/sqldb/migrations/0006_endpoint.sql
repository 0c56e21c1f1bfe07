-- Models behind stable addresses: endpoints, their deployments, and the
-- replicas that run now. "settings" is what the user chose and "source" what its
-- references turned out to be, as JSON; "keys" is sealed by the vault.
CREATE TABLE endpoints (
    workspace_id   TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name           TEXT COLLATE "C" NOT NULL,
    description    TEXT NOT NULL,
    tags           TEXT NOT NULL,
    properties     TEXT NOT NULL,
    auth_mode      TEXT NOT NULL,
    traffic        TEXT NOT NULL,
    mirror_traffic TEXT NOT NULL,
    keys           TEXT NOT NULL,
    state          TEXT NOT NULL,
    error          TEXT NOT NULL,
    created_by     TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE deployments (
    workspace_id TEXT COLLATE "C" NOT NULL,
    endpoint     TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    settings     TEXT NOT NULL,
    source       TEXT NOT NULL,
    revision     BIGINT NOT NULL,
    state        TEXT NOT NULL,
    error        TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,
    last_ended   TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, endpoint, name),
    FOREIGN KEY (workspace_id, endpoint) REFERENCES endpoints (workspace_id, name) ON DELETE CASCADE
);

-- A replica outlives its deployment's row until its runner is gone, so there is
-- no foreign key: nothing that runs is ever forgotten.
CREATE TABLE replicas (
    workspace_id TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    endpoint     TEXT COLLATE "C" NOT NULL,
    deployment   TEXT COLLATE "C" NOT NULL,
    revision     BIGINT NOT NULL,
    handle       TEXT NOT NULL,
    state        TEXT NOT NULL,
    pid          BIGINT NOT NULL,
    error        TEXT NOT NULL,
    last_seq     BIGINT NOT NULL,
    stopping     BOOLEAN NOT NULL,
    token_at     BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE INDEX replicas_by_deployment ON replicas (workspace_id, endpoint, deployment);

-- Secrets of workspaces. "sealed" is sealed by the vault.
CREATE TABLE secrets (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         TEXT COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,
    sealed       TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_by   TEXT NOT NULL,
    updated_at   BIGINT NOT NULL,
    used_by      TEXT NOT NULL,
    used_at      BIGINT,
    PRIMARY KEY (workspace_id, name)
);

-- Who may do what, where: users, the tokens and sessions they hold, workspaces,
-- and the role each member has in each workspace.
CREATE TABLE users (
    id          TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT COLLATE "C" NOT NULL UNIQUE,
    server_role TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);

-- A credential is a personal token, a browser session, a one-time sign-in link
-- or a task's own token. Only the SHA-256 of its secret is kept.
CREATE TABLE credentials (
    id           TEXT COLLATE "C" PRIMARY KEY,
    secret_hash  TEXT COLLATE "C" NOT NULL UNIQUE,
    kind         TEXT NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    description  TEXT NOT NULL,
    workspace_id TEXT COLLATE "C",
    task         TEXT COLLATE "C",
    task_kind    TEXT,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT
);

CREATE INDEX credentials_by_user ON credentials (user_id, kind);

CREATE INDEX credentials_by_task ON credentials (workspace_id, task);

CREATE TABLE workspaces (
    id           TEXT COLLATE "C" PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    description  TEXT NOT NULL,
    tags         TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);

CREATE TABLE members (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id      TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role         TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);

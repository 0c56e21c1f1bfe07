-- Service principals are users of another kind. One who is disabled can do nothing.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person';

ALTER TABLE users ADD COLUMN description TEXT NOT NULL DEFAULT '';

ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';

ALTER TABLE users ADD COLUMN disabled_at BIGINT;

-- Teams of the server. "external_group" is what the identity provider calls the
-- group whose people are in the team; by_group tells who came in by it.
CREATE TABLE teams (
    id             TEXT COLLATE "C" PRIMARY KEY,
    name           TEXT COLLATE "C" NOT NULL UNIQUE,
    description    TEXT NOT NULL,
    external_group TEXT COLLATE "C" NOT NULL,
    created_by     TEXT NOT NULL,
    created_at     BIGINT NOT NULL
);

CREATE TABLE team_members (
    team_id    TEXT COLLATE "C" NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id    TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    by_group   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, user_id)
);

CREATE INDEX team_members_by_user ON team_members (user_id);

-- Custom roles of workspaces; "folded" is the name in lower case.
CREATE TABLE roles (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    folded       TEXT COLLATE "C" NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL,
    actions      TEXT NOT NULL,
    not_actions  TEXT NOT NULL,
    idle         TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, folded)
);

-- Who has which role, by its folded name: a user or a team, one of the two.
CREATE TABLE role_assignments (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id      TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
    team_id      TEXT COLLATE "C" REFERENCES teams (id) ON DELETE CASCADE,
    role         TEXT COLLATE "C" NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (team_id IS NULL))
);

CREATE UNIQUE INDEX role_assignments_of_users ON role_assignments (workspace_id, user_id, role);

CREATE UNIQUE INDEX role_assignments_of_teams ON role_assignments (workspace_id, team_id, role);

INSERT INTO role_assignments (workspace_id, user_id, role, created_by, created_at)
    SELECT workspace_id, user_id, lower(role), '', created_at FROM members;

DROP TABLE members;

-- A session or a token goes with what it was made from. "actions" are all that a
-- personal token is good for; none is no bound.
ALTER TABLE credentials ADD COLUMN parent_id TEXT COLLATE "C" REFERENCES credentials (id) ON DELETE CASCADE;

ALTER TABLE credentials ADD COLUMN actions TEXT NOT NULL DEFAULT '[]';

CREATE INDEX credentials_by_parent ON credentials (parent_id);

CREATE INDEX credentials_by_expiry ON credentials (expires_at);

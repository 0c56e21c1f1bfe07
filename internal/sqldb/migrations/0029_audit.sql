-- What was done and refused. Nothing here is ever updated; rows go by age alone, and
-- stay when their workspace or their user goes.
CREATE TABLE audit (
    id           TEXT COLLATE "C" PRIMARY KEY,
    at           BIGINT NOT NULL,
    workspace_id TEXT COLLATE "C" NOT NULL,
    workspace    TEXT COLLATE "C" NOT NULL,
    actor_kind   TEXT NOT NULL,
    actor_id     TEXT COLLATE "C" NOT NULL,
    actor        TEXT COLLATE "C" NOT NULL,
    action       TEXT COLLATE "C" NOT NULL,
    method       TEXT NOT NULL,
    resource     TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    code         TEXT NOT NULL,
    address      TEXT NOT NULL,
    request_id   TEXT NOT NULL,
    times        BIGINT NOT NULL
);

CREATE INDEX audit_by_workspace ON audit (workspace_id, at, id);

CREATE INDEX audit_by_time ON audit (at, id);

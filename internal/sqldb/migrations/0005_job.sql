-- Jobs: what was submitted (spec), what became of it, and what the scheduler
-- needs to find its task again after a restart (handle). The run of a job has
-- the job's name as its id.
CREATE TABLE jobs (
    workspace_id     TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name             TEXT COLLATE "C" NOT NULL,
    experiment_name  TEXT COLLATE "C" NOT NULL,
    spec             TEXT NOT NULL,
    task             TEXT NOT NULL,
    cpus             BIGINT NOT NULL,
    status           TEXT COLLATE "C" NOT NULL,
    phase            TEXT NOT NULL,
    error            TEXT,
    notices          TEXT NOT NULL,
    created_by       TEXT NOT NULL,
    user_id          TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    ended_at         BIGINT,
    exit_code        BIGINT,
    usage            TEXT,
    environment_info TEXT,
    runner           TEXT,
    handle           TEXT NOT NULL,
    token_at         BIGINT NOT NULL,
    last_record      BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);

CREATE INDEX jobs_by_age ON jobs (workspace_id, created_at, name);

CREATE INDEX jobs_by_experiment ON jobs (workspace_id, experiment_name, created_at, name);

CREATE INDEX jobs_by_status ON jobs (status, created_at);

CREATE INDEX jobs_by_handle ON jobs (handle);

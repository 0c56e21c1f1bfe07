-- What people keep of their training: experiments, runs and everything a run
-- remembers. Every table begins with its workspace
-- and goes with it.
CREATE TABLE experiments (
    workspace_id      TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id                TEXT COLLATE "C" NOT NULL,
    name              TEXT COLLATE "C" NOT NULL,
    lifecycle_stage   TEXT NOT NULL,
    artifact_location TEXT NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE UNIQUE INDEX experiments_by_name ON experiments (workspace_id, name);

-- The last decimal id given to an experiment of a workspace.
CREATE TABLE experiment_counters (
    workspace_id TEXT COLLATE "C" PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    last_number  BIGINT NOT NULL
);

CREATE TABLE experiment_tags (
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    experiment_id TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    value         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, experiment_id, key)
);

-- user_name is who the server knows; claimed_user is what an MLflow client said.
-- owner_job is the job whose token made the run, and that may write to it.
CREATE TABLE runs (
    workspace_id    TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id              TEXT COLLATE "C" NOT NULL,
    experiment_id   TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    lifecycle_stage TEXT COLLATE "C" NOT NULL,
    user_name       TEXT COLLATE "C" NOT NULL,
    claimed_user    TEXT COLLATE "C" NOT NULL,
    artifact_uri    TEXT COLLATE "C" NOT NULL,
    is_job          BOOLEAN NOT NULL,
    owner_job       TEXT COLLATE "C" NOT NULL,
    started_at      BIGINT NOT NULL,
    ended_at        BIGINT,
    PRIMARY KEY (workspace_id, id)
);

CREATE INDEX runs_by_experiment ON runs (workspace_id, experiment_id, lifecycle_stage, started_at DESC, id);

CREATE INDEX runs_by_time ON runs (workspace_id, lifecycle_stage, started_at DESC, id);

CREATE TABLE run_params (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    run_id       TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, run_id, key)
);

CREATE TABLE run_tags (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    run_id       TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, run_id, key)
);

-- The greatest point of each series by (step, timestamp, value), for search.
-- SQLite cannot keep NaN in a REAL: such a point has value 0 and is_nan.
-- timestamp_ms is the client's own clock. last_chunk is the number given last to
-- a chunk of the series; small_chunks is how many wait to be merged.
CREATE TABLE latest_metrics (
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    run_id        TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    experiment_id TEXT COLLATE "C" NOT NULL,
    timestamp_ms  BIGINT NOT NULL,
    step          BIGINT NOT NULL,
    value         DOUBLE PRECISION NOT NULL,
    is_nan        BOOLEAN NOT NULL,
    last_chunk    BIGINT NOT NULL,
    small_chunks  BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, run_id, key)
);

CREATE INDEX latest_metrics_by_value ON latest_metrics (workspace_id, experiment_id, key, is_nan, value, run_id);

-- All points that were logged, compressed: data is what tracking/series makes of
-- some points of one series, ordered by time, then step. level 0 is as a batch
-- brought it, 1 is merged and has a summary. The bytes come last, so that the
-- rest is read without them.
CREATE TABLE metric_chunks (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    run_id       TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    level        BIGINT NOT NULL,
    number       BIGINT NOT NULL,
    points       BIGINT NOT NULL,
    first_time   BIGINT NOT NULL,
    first_step   BIGINT NOT NULL,
    last_time    BIGINT NOT NULL,
    last_step    BIGINT NOT NULL,
    min_step     BIGINT NOT NULL,
    max_step     BIGINT NOT NULL,
    summary      BYTEA NOT NULL,
    data         BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, run_id, key, level, number)
);

CREATE TABLE datasets (
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    experiment_id TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    digest        TEXT COLLATE "C" NOT NULL,
    source_type   TEXT NOT NULL,
    source        TEXT NOT NULL,
    schema_text   TEXT NOT NULL,
    profile       TEXT NOT NULL,
    PRIMARY KEY (workspace_id, experiment_id, name, digest)
);

CREATE TABLE run_datasets (
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    run_id        TEXT COLLATE "C" NOT NULL,
    experiment_id TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    digest        TEXT COLLATE "C" NOT NULL,
    context       TEXT COLLATE "C" NOT NULL,
    tags          TEXT NOT NULL,
    PRIMARY KEY (workspace_id, run_id, name, digest)
);

CREATE INDEX run_datasets_by_experiment ON run_datasets (workspace_id, experiment_id, name, digest);

-- A logged model is MLflow 3's: a folder of artifacts with an id of its own.
CREATE TABLE logged_models (
    workspace_id   TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    id             TEXT COLLATE "C" NOT NULL,
    experiment_id  TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    model_type     TEXT COLLATE "C" NOT NULL,
    status         TEXT COLLATE "C" NOT NULL,
    status_message TEXT NOT NULL,
    source_run_id  TEXT COLLATE "C" NOT NULL,
    artifact_uri   TEXT COLLATE "C" NOT NULL,
    owner_job      TEXT COLLATE "C" NOT NULL,
    is_deleted     BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE INDEX logged_models_by_experiment ON logged_models (workspace_id, experiment_id, created_at DESC, id);

CREATE INDEX logged_models_by_run ON logged_models (workspace_id, source_run_id, name);

CREATE TABLE logged_model_params (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    model_id     TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, model_id, key)
);

CREATE TABLE logged_model_tags (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    model_id     TEXT COLLATE "C" NOT NULL,
    key          TEXT COLLATE "C" NOT NULL,
    value        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, model_id, key)
);

CREATE TABLE logged_model_metrics (
    workspace_id   TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    model_id       TEXT COLLATE "C" NOT NULL,
    key            TEXT COLLATE "C" NOT NULL,
    run_id         TEXT COLLATE "C" NOT NULL,
    dataset_name   TEXT COLLATE "C" NOT NULL,
    dataset_digest TEXT COLLATE "C" NOT NULL,
    timestamp_ms   BIGINT NOT NULL,
    step           BIGINT NOT NULL,
    value          DOUBLE PRECISION NOT NULL,
    is_nan         BOOLEAN NOT NULL,
    PRIMARY KEY (workspace_id, model_id, key, run_id, dataset_name, dataset_digest)
);

-- Which logged models a run read or made.
CREATE TABLE run_models (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    run_id       TEXT COLLATE "C" NOT NULL,
    model_id     TEXT COLLATE "C" NOT NULL,
    direction    TEXT COLLATE "C" NOT NULL,
    step         BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, run_id, direction, model_id)
);

-- An artifact is a name for bytes in the blob store, never a file's path.
CREATE TABLE artifacts (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    owner_kind   TEXT COLLATE "C" NOT NULL,
    owner_id     TEXT COLLATE "C" NOT NULL,
    path         TEXT COLLATE "C" NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL,
    size         BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, owner_kind, owner_id, path)
);

CREATE INDEX artifacts_by_hash ON artifacts (workspace_id, hash);

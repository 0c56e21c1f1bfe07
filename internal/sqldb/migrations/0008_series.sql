-- A series gets a number, so that its chunks need not repeat workspace, run and
-- key, each in the row and again in the primary key's index.
ALTER TABLE latest_metrics RENAME TO old_latest_metrics;

ALTER TABLE metric_chunks RENAME TO old_metric_chunks;

CREATE TABLE latest_metrics (
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    run_id        TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    series_id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id TEXT COLLATE "C" NOT NULL,
    timestamp_ms  BIGINT NOT NULL,
    step          BIGINT NOT NULL,
    value         DOUBLE PRECISION NOT NULL,
    is_nan        BOOLEAN NOT NULL,
    last_chunk    BIGINT NOT NULL,
    small_chunks  BIGINT NOT NULL,
    UNIQUE (workspace_id, run_id, key)
);

CREATE TABLE metric_chunks (
    workspace_id TEXT COLLATE "C" NOT NULL,
    series_id    BIGINT NOT NULL REFERENCES latest_metrics (series_id) ON DELETE CASCADE,
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
    PRIMARY KEY (series_id, level, number)
);

INSERT INTO latest_metrics (workspace_id, run_id, key, experiment_id, timestamp_ms, step, value, is_nan, last_chunk, small_chunks)
SELECT workspace_id, run_id, key, experiment_id, timestamp_ms, step, value, is_nan, last_chunk, small_chunks
FROM old_latest_metrics ORDER BY workspace_id, run_id, key;

INSERT INTO metric_chunks (workspace_id, series_id, level, number, points, first_time, first_step,
    last_time, last_step, min_step, max_step, summary, data)
SELECT c.workspace_id, m.series_id, c.level, c.number, c.points, c.first_time, c.first_step,
    c.last_time, c.last_step, c.min_step, c.max_step, c.summary, c.data
FROM latest_metrics m JOIN old_metric_chunks c
    ON c.workspace_id = m.workspace_id AND c.run_id = m.run_id AND c.key = m.key
ORDER BY m.series_id, c.level, c.number;

DROP TABLE old_metric_chunks;

DROP TABLE old_latest_metrics;

CREATE INDEX latest_metrics_by_value ON latest_metrics (workspace_id, experiment_id, key, is_nan, value, run_id);

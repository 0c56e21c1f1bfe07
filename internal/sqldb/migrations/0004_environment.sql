-- Named versions of environments, and the ones that jobs wrote themselves. What
-- is installed follows from python_version, requirements and options alone.
CREATE TABLE environments (
    workspace_id   TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name           TEXT COLLATE "C" NOT NULL,
    version        TEXT COLLATE "C" NOT NULL,
    description    TEXT NOT NULL,
    tags           TEXT NOT NULL,
    image          TEXT NOT NULL,
    conda_file     TEXT NOT NULL,
    python_version TEXT NOT NULL,
    requirements   TEXT NOT NULL,
    options        TEXT NOT NULL,
    source         TEXT NOT NULL,
    hash           TEXT COLLATE "C" NOT NULL,
    created_by     TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, name, version)
);

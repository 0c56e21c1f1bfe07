-- What a large workspace, or a large experiment of it, takes is summed up in the
-- background: the sum is shown with its age, and made anew once it was asked for.
CREATE TABLE storage_summaries (
    workspace_id  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    experiment_id TEXT COLLATE "C" NOT NULL,
    took          BIGINT NOT NULL,
    summary       TEXT NOT NULL,
    PRIMARY KEY (workspace_id, experiment_id)
);

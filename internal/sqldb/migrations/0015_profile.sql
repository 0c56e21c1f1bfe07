-- What is known of tables, by the tree or the fingerprint of the data: a profile
-- is made once, in the background, for the version that asked first.
CREATE TABLE data_profiles (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    key          TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    version      TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL,
    error        TEXT NOT NULL,
    profile      TEXT NOT NULL,
    asked_at     BIGINT NOT NULL,
    done_at      BIGINT,
    PRIMARY KEY (workspace_id, key)
);

CREATE INDEX data_profiles_waiting ON data_profiles (status, asked_at);

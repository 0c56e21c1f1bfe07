-- A run's datasets come back in the order in which it named them.
ALTER TABLE run_datasets ADD COLUMN position BIGINT NOT NULL DEFAULT 0;

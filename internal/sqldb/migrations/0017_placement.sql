-- What a job asks of its machine, how urgent it is, on which compute it runs, and
-- which GPUs it was given, as JSON. A memory of 0 is one that nobody named.
ALTER TABLE jobs ADD COLUMN memory BIGINT NOT NULL DEFAULT 0;

ALTER TABLE jobs ADD COLUMN gpus BIGINT NOT NULL DEFAULT 0;

ALTER TABLE jobs ADD COLUMN priority BIGINT NOT NULL DEFAULT 1;

ALTER TABLE jobs ADD COLUMN compute TEXT COLLATE "C" NOT NULL DEFAULT 'local';

ALTER TABLE jobs ADD COLUMN gpu_indexes TEXT NOT NULL DEFAULT '[]';

-- A version of an environment can be put away: lists and "latest" leave it out.
ALTER TABLE environments ADD COLUMN archived BOOLEAN NOT NULL DEFAULT FALSE;

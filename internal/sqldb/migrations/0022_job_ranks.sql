-- What became of each process of a job that is several, as JSON.
ALTER TABLE jobs ADD COLUMN ranks TEXT;

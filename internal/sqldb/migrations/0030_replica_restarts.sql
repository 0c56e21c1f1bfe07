-- How often a replica's worker ended by itself, and why it did last, as JSON.
ALTER TABLE replicas ADD COLUMN restarts TEXT NOT NULL DEFAULT 'null';

-- The present or the last move of an endpoint's traffic by steps, as JSON.
ALTER TABLE endpoints ADD COLUMN rollout TEXT NOT NULL DEFAULT 'null';

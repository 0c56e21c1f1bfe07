-- Any text may stand in the tag of a run's parent, and a long one does not fit into
-- an index of PostgreSQL. Children are found by the beginnings of tags' values.
DROP INDEX run_tags_of_parents;

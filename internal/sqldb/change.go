package sqldb

import "slices"

// Change names a thing that a transaction changed, so that whoever remembers it
// can forget it.
type Change struct {
	Kind      string // such as "run"
	Workspace string // the workspace's id
	ID        string // empty for all things of the kind in the workspace
}

// Changed says that tx changes something. Those who watch learn it when tx has
// ended, before Write returns: who was told of a write never reads what was
// there before it.
func (tx *Tx) Changed(c Change) { tx.changed = append(tx.changed, c) }

// HasChanged reports whether tx, or on SQLite a write that shares its commit, has
// said that it changes something of the kinds: then what is remembered of it may be
// of another time than what tx reads.
func (tx *Tx) HasChanged(kinds ...string) bool {
	return slices.ContainsFunc(tx.changed, func(c Change) bool { return slices.Contains(kinds, c.Kind) })
}

// Watch calls fn for all that transactions of this process change. It must be
// called before db is used, and fn must be quick. What another server changes in
// the same PostgreSQL database is not told.
func (db *DB) Watch(fn func(c Change)) { db.watchers.all = append(db.watchers.all, fn) }

// watchers are those who were given to Watch.
type watchers struct {
	all []func(c Change)
}

// tell passes on what tx changed. A transaction that failed may have been
// committed all the same, so its changes are told too.
func (w *watchers) tell(tx *Tx) {
	for _, c := range tx.changed {
		for _, fn := range w.all {
			fn(c)
		}
	}
}

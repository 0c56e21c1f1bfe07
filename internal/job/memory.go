package job

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// jobChange is the kind of change that says that a job's row is another now. Every
// function that writes to the table of jobs says so.
const jobChange = "job"

func jobChanged(tx *sqldb.Tx, ws, name string) {
	tx.Changed(sqldb.Change{Kind: jobChange, Workspace: ws, ID: name})
}

// memory is what plans turn on of the jobs that wait and of those that are placed:
// a plan reads only what has changed since the last one. Where this process is not
// the one writer, every plan reads all of it.
type memory struct {
	keeps    bool
	replicas func(ctx context.Context, tx *sqldb.Tx) (int, error)
	using    sync.Mutex // held while the following are looked at
	queue    *waitlist  // nil before all is read
	there    map[key]placed

	mu    sync.Mutex
	stale map[key]bool // what has changed
	whole bool         // so much has that all is to be read
}

func newMemory(db *sqldb.DB, replicas func(ctx context.Context, tx *sqldb.Tx) (int, error)) *memory {
	m := &memory{replicas: replicas, keeps: db.Engine() == sqldb.SQLite, stale: map[key]bool{}}
	if m.keeps {
		db.Watch(m.watch)
	}
	return m
}

// watch is told of changes.
func (m *memory) watch(c sqldb.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case c.Kind == workspace.RemovedChange:
		m.whole = true
	case c.Kind == jobChange && !m.whole:
		m.stale[key{c.Workspace, c.ID}] = true
		m.whole = len(m.stale) > maxStale
	}
	if m.whole {
		clear(m.stale)
	}
}

// maxStale is how many jobs are looked up by their names, at most.
const maxStale = 1000

// take returns what has changed since it was called last; whole for everything.
func (m *memory) take() (stale []key, whole bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stale, whole = slices.Collect(maps.Keys(m.stale)), m.whole
	clear(m.stale)
	m.whole = false
	return stale, whole
}

// snapshot is what a plan needs, of all workspaces. The jobs that wait are all of
// them, or those of which any can start when only so many can.
func (m *memory) snapshot(ctx context.Context, db *sqldb.DB, machine share, all bool) (now snapshot, err error) {
	m.using.Lock()
	defer m.using.Unlock()
	stale, whole := m.take() // before the transaction begins: what comes after it is stale again
	whole = whole || m.queue == nil || !m.keeps
	err = db.Read(ctx, func(tx *sqldb.Tx) error {
		if whole {
			m.queue, m.there = newWaitlist(), map[key]placed{}
			err = selectPlanned(ctx, tx, m.note)
		} else {
			err = m.reread(ctx, tx, stale)
		}
		if err == nil {
			now.pools, err = selectPools(ctx, tx)
		}
		if err == nil {
			now.limits, err = selectLimits(ctx, tx)
		}
		if err == nil && m.replicas != nil {
			now.replicas, err = m.replicas(ctx, tx)
		}
		return err
	})
	if err != nil {
		m.queue = nil
		return now, err
	}
	now.machine, now.placed = machine, slices.Collect(maps.Values(m.there))
	if all {
		now.queue = m.queue.all()
	} else {
		now.queue = m.queue.first(now.room())
	}
	if len(m.queue.jobs) >= maxPlanned {
		m.queue = nil // there may be more, which come later
	}
	return now, nil
}

// reread looks up what has become of jobs.
func (m *memory) reread(ctx context.Context, tx *sqldb.Tx, stale []key) error {
	for _, k := range stale {
		m.queue.remove(k)
		delete(m.there, k)
		if err := selectPlannedJob(ctx, tx, k, m.note); err != nil {
			return err
		}
	}
	return nil
}

// note enters a job where it belongs: among those that wait, those that are placed,
// or nowhere.
func (m *memory) note(status Status, w waiting, gpus []int) {
	switch status {
	case Queued:
		m.queue.put(w)
	case Preparing, Running, Finalizing, CancelRequested, NotResponding:
		m.there[w.key] = placed{key: w.key, asks: w.asks, member: w.member, experiment: w.experiment, pool: w.pool, gpus: gpus}
	}
}

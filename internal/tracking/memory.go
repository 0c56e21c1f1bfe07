package tracking

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// maxMemory bounds the bytes of the runs that are remembered, as weightOf
// estimates them: some 15,000 usual ones.
const maxMemory = 32 << 20

// runChange is the kind of change that says that a run is another now: its row or
// anything that it logged.
const runChange = "run"

// runChanged says so of one run, runsChanged of all of a workspace. Every
// function that writes to a table of runs calls one of them.
func runChanged(tx *sqldb.Tx, ws, id string) {
	tx.Changed(sqldb.Change{Kind: runChange, Workspace: ws, ID: id})
}

func runsChanged(tx *sqldb.Tx, ws string) { runChanged(tx, ws, "") }

// rowChange is the kind of change that says that a run's row is another now, which
// is seldom: what a run logs is elsewhere.
const rowChange = "run row"

// rowChanged says so of one run, rowsChanged of all of a workspace. Every function
// that writes to the table of runs itself calls one of them.
func rowChanged(tx *sqldb.Tx, ws, id string) {
	tx.Changed(sqldb.Change{Kind: rowChange, Workspace: ws, ID: id})
	runChanged(tx, ws, id)
}

func rowsChanged(tx *sqldb.Tx, ws string) { rowChanged(tx, ws, "") }

type runKey struct{ workspace, id string }

// memory keeps runs as loadRuns returned them, so that lists that are looked at
// again and again are put together once. Nobody may change what is kept. It is
// of use only where this process is the one writer, as it is on SQLite.
type memory struct {
	mu     sync.RWMutex
	runs   map[runKey]*Run
	weight int

	// changes counts what was told; changed has the last count for every run, by
	// a hash of its key, and whole for all of them. A run is kept only if nothing
	// was told of it since the transaction began that read it.
	changes uint64
	changed [1 << 12]uint64
	whole   uint64
	seed    maphash.Seed
}

// newMemory returns nil, a memory that keeps nothing, for a database to which
// other servers may write.
func newMemory(db *sqldb.DB) *memory {
	if db.Engine() != sqldb.SQLite {
		return nil
	}
	m := &memory{runs: map[runKey]*Run{}, seed: maphash.MakeSeed()}
	db.Watch(m.watch)
	return m
}

// maxRows bounds how many rows of runs are remembered.
const maxRows = 4096

// rowMemory keeps the rows of runs that are written to, as selectRunToWrite returns
// them: every point that is logged asks for one. Like memory, it is of use only
// where this process is the one writer, and nil elsewhere.
type rowMemory struct {
	mu   sync.Mutex
	rows map[runKey]Run
}

func newRowMemory(db *sqldb.DB) *rowMemory {
	if db.Engine() != sqldb.SQLite {
		return nil
	}
	m := &rowMemory{rows: map[runKey]Run{}}
	db.Watch(m.watch)
	return m
}

// find returns the row of a run in a transaction that writes. No other commits
// meanwhile, so what is remembered is what the transaction would read, unless it
// changed rows itself.
func (m *rowMemory) find(ctx context.Context, tx *sqldb.Tx, ws, id string) (Run, error) {
	if m == nil || tx.HasChanged(rowChange, workspace.RemovedChange) {
		return selectRunToWrite(ctx, tx, ws, id)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := runKey{ws, id}
	if run, ok := m.rows[key]; ok {
		return run, nil
	}
	run, err := selectRunToWrite(ctx, tx, ws, id)
	if err != nil {
		return run, err
	}
	if len(m.rows) >= maxRows {
		clear(m.rows)
	}
	m.rows[key] = run
	return run, nil
}

// watch is told of changes.
func (m *rowMemory) watch(c sqldb.Change) {
	if c.Kind != rowChange && c.Kind != workspace.RemovedChange {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.ID == "" {
		clear(m.rows)
		return
	}
	delete(m.rows, runKey{c.Workspace, c.ID})
}

// load returns the runs with the given ids, which tx has, in that order. since is
// what now returned before tx began.
func (m *memory) load(ctx context.Context, tx *sqldb.Tx, ws string, ids []string, since uint64) ([]Run, error) {
	runs := make([]Run, len(ids))
	places := m.recall(ws, ids, runs)
	if len(places) == 0 {
		return runs, nil
	}
	missing := make([]string, len(places))
	for i, at := range places {
		missing[i] = ids[at]
	}
	found, err := loadRuns(ctx, tx, ws, missing)
	if err != nil {
		return nil, err
	}
	for i, at := range places {
		runs[at] = found[i]
	}
	m.keep(ws, found, since)
	return runs, nil
}

// now is what keep wants to know of the time before a transaction begins.
func (m *memory) now() uint64 {
	if m == nil {
		return 0
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.changes
}

// recall puts the runs that are remembered into their places in runs, which has
// as many elements as ids, and returns the places that are left.
func (m *memory) recall(ws string, ids []string, runs []Run) (missing []int) {
	if m == nil {
		for i := range ids {
			missing = append(missing, i)
		}
		return missing
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i, id := range ids {
		if known := m.runs[runKey{ws, id}]; known != nil {
			runs[i] = *known
		} else {
			missing = append(missing, i)
		}
	}
	return missing
}

// keep remembers runs that were read in a transaction that began after now
// returned since.
func (m *memory) keep(ws string, runs []Run, since uint64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, run := range runs {
		key := runKey{ws, run.ID}
		weight := weightOf(run)
		if *m.lastChange(key) > since || m.whole > since || m.runs[key] != nil || weight > maxMemory/8 {
			continue
		}
		m.weight += weight
		m.runs[key] = &run
	}
	for key := range m.runs { // in no order: a walk through all runs leaves some of each part
		if m.weight <= maxMemory {
			return
		}
		m.drop(key)
	}
}

func (m *memory) lastChange(key runKey) *uint64 {
	return &m.changed[maphash.Comparable(m.seed, key)%uint64(len(m.changed))]
}

func (m *memory) drop(key runKey) {
	if known := m.runs[key]; known != nil {
		m.weight -= weightOf(*known)
		delete(m.runs, key)
	}
}

// watch is told of changes.
func (m *memory) watch(c sqldb.Change) {
	if c.Kind != runChange && c.Kind != workspace.RemovedChange {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	if c.ID == "" {
		m.whole = m.changes
		m.weight = 0
		clear(m.runs)
		return
	}
	key := runKey{c.Workspace, c.ID}
	*m.lastChange(key) = m.changes
	m.drop(key)
}

// weightOf estimates the bytes that a run takes.
func weightOf(r Run) int {
	const ofRun, ofEntry = 1500, 48
	weight := ofRun + len(r.Name) + len(r.ArtifactURI) + ofEntry*(len(r.Params)+len(r.Tags)+len(r.Metrics))
	for _, pairs := range []map[string]string{r.Params, r.Tags} {
		for key, value := range pairs {
			weight += len(key) + len(value)
		}
	}
	for key := range r.Metrics {
		weight += len(key)
	}
	for _, input := range r.Inputs {
		weight += 500 + len(input.Source)
	}
	return weight + 50*(len(r.Outputs)+len(r.ModelInputs))
}

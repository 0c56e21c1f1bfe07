package tracking

import (
	"cmp"
	"context"
	"runtime"
	"sync"

	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// maxTogether bounds how many calls are stored at once, and so how long the first
// of them waits for the last.
const maxTogether = 64

// together stores the metrics of calls that wait at the same time by one function
// of one transaction. Scripts that log one value in each call come by the thousand,
// and a savepoint and statements for each cost several times what its point does.
// It is of use where there is one writer, as on SQLite; PostgreSQL's do not wait for
// each other, and there it is nil.
type together struct {
	mu      sync.Mutex
	waiting []*logCall
	working bool // somebody stores, and will come back for those who wait
}

func newTogether(db *sqldb.DB) *together {
	if db.Engine() != sqldb.SQLite {
		return nil
	}
	return &together{}
}

// logCall is a call of Log that brings metrics only.
type logCall struct {
	ctx    context.Context
	ws, id string
	points series.Batch
	done   chan struct{}

	due []series.Key // to be compacted
	err error
}

// logTogether stores points with what others bring, and returns the series that
// should be compacted. It waits for the outcome also when ctx ends: what waits with
// others may be stored.
func (s *Service) logTogether(ctx context.Context, ws, id string, points series.Batch) ([]series.Key, error) {
	call := &logCall{ctx: ctx, ws: ws, id: id, points: points, done: make(chan struct{})}
	if s.together.add(call) {
		go s.storeWaiting()
	}
	<-call.done
	if call.err == nil {
		s.publish(ws, event.Run, id)
	}
	return call.due, call.err
}

// add lets call wait. It reports whether nobody stores, so that the caller must see
// to it.
func (q *together) add(call *logCall) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, call)
	idle := !q.working
	q.working = true
	return idle
}

// storeWaiting stores until nobody waits.
func (s *Service) storeWaiting() {
	for {
		runtime.Gosched() // whoever is about to call joins those who wait
		calls := s.together.take()
		if len(calls) == 0 {
			return
		}
		s.storeCalls(calls)
		for _, call := range calls {
			close(call.done)
		}
	}
}

// take returns those who waited longest. When there are none, whoever comes next
// begins anew.
func (q *together) take() []*logCall {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxTogether)
	calls := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	if n == 0 {
		q.waiting, q.working = nil, false
	}
	return calls
}

// storeCalls stores what calls bring, and leaves each its error. When the database
// refuses all because of one of them, each is tried alone.
func (s *Service) storeCalls(calls []*logCall) {
	ctx := context.Background()
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error { return s.logAll(ctx, tx, calls) })
	if err == nil {
		return
	}
	if len(calls) == 1 {
		calls[0].err = err
		return
	}
	for i := range calls {
		s.storeCalls(calls[i : i+1])
	}
}

// logAll stores those calls that are allowed; the others learn why they are not.
func (s *Service) logAll(ctx context.Context, tx *sqldb.Tx, calls []*logCall) error {
	logs := make([]series.Log, 0, len(calls))
	var told *logCall // tells the compactor for all
	for _, call := range calls {
		run, err := s.rows.find(ctx, tx, call.ws, call.id)
		if err != nil && !isNotFound(err) {
			return err
		}
		if err == nil {
			err = call.allowed(run)
		}
		if call.err = err; err != nil {
			continue
		}
		runChanged(tx, call.ws, call.id)
		told = call
		logs = append(logs, series.Log{Owner: series.Owner{Workspace: call.ws, Experiment: run.ExperimentID, Run: call.id}, Batch: call.points})
	}
	if told == nil {
		return nil
	}
	var err error
	told.due, err = series.Append(ctx, tx, logs...)
	return err
}

func (c *logCall) allowed(run Run) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return cmp.Or(mayWrite(c.ctx, run.ID, run.OwnerJob), mustBeActive(run))
}

// Package tracking keeps what people need to know of their training: experiments
// and their runs, with params, metrics, tags, artifacts, dataset inputs and the
// models that runs logged.
//
// A Service answers the edges; it checks what depends on the thing itself, above
// all that a job's token writes only to the job's own run and to runs that it
// made. Functions that take a *sqldb.Tx (CreateRun, SetRunStatus) are for other
// capabilities that must join their transaction. The metric store is the package
// series; the search language is the package filter.
package tracking

import (
	"context"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sweep"
	"github.com/atelier-ml/atelier/internal/tracking/filter"
)

// Service is the tracking of every workspace.
type Service struct {
	db    *sqldb.DB
	blobs blob.Store
	bus   *event.Bus

	purgeHooks []purgeHooks
	holders    []sweep.References
	compactor  *compactor
	memory     *memory
	rows       *rowMemory
	together   *together
	counts     filter.Counts
	searchTime time.Duration

	slowSummary time.Duration
	stale       chan summarised // are to be summed up anew
}

// New returns the service over db and blobs, which announces changes on bus.
func New(db *sqldb.DB, blobs blob.Store, bus *event.Bus) *Service {
	return &Service{db: db, blobs: blobs, bus: bus, compactor: newCompactor(), memory: newMemory(db), rows: newRowMemory(db), together: newTogether(db), searchTime: searchTime,
		slowSummary: slowSummary, stale: make(chan summarised, 16)}
}

func (s *Service) publish(ws, topic, id string) {
	s.bus.Publish(event.Notice{Workspace: ws, Topic: topic, ID: id})
}

// mayWrite refuses a task's token anything but the task's own run and the runs
// that it made. People were checked by the route; the server may do all.
func mayWrite(ctx context.Context, id, ownerJob string) error {
	actor, known := atelier.ActorFrom(ctx)
	if !known || actor.Kind == atelier.User || actor.Kind == atelier.System {
		return nil
	}
	if actor.Kind == atelier.JobActor && (actor.ID == id || actor.ID == ownerJob) {
		return nil
	}
	return atelier.Errorf(atelier.Forbidden, "The token of the job %s may write only to its own run and to runs that it started, not to %q.", actor.ID, id)
}

// refuseJobs refuses a task's token what would touch the work of others.
func refuseJobs(ctx context.Context, act string) error {
	actor, known := atelier.ActorFrom(ctx)
	if !known || actor.Kind == atelier.User || actor.Kind == atelier.System {
		return nil
	}
	return atelier.Errorf(atelier.Forbidden, "A job's token may not %s.", act).
		WithHint("Do it with a token of your own: `atelier token create`.")
}

// pageSize returns how many items to fetch, or an error for an impossible wish.
func pageSize(asked, fallback, limit int) (int, error) {
	if asked < 0 || asked > limit {
		return 0, atelier.Errorf(atelier.Invalid, "Invalid value %d for parameter 'max_results' supplied: it must be at least 1 and at most %d.", asked, limit).At("max_results")
	}
	return atelier.PageSize(asked, fallback, limit), nil
}

// stageOf returns the lifecycle stage that view shows, "" for all.
func stageOf(view View) (string, error) {
	switch view {
	case ActiveOnly, "":
		return Active, nil
	case DeletedOnly:
		return Deleted, nil
	case ViewAll:
		return "", nil
	}
	return "", atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter 'view' supplied: use active, deleted or all.", atelier.Clip(string(view), 40)).At("view")
}

func isNotFound(err error) bool { return atelier.CodeOf(err) == atelier.NotFound }

func join(parts ...string) string { return strings.Join(parts, "/") }

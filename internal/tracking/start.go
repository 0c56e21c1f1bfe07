package tracking

import (
	"context"
	"maps"
	"regexp"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

var chosenIDRule = regexp.MustCompile(`^[0-9a-f]{32}$`)

// CheckChosenID refuses an id that a client chose for a run and that could be
// mistaken for the name of a job.
func CheckChosenID(id string) error {
	if !chosenIDRule.MatchString(id) {
		return atelier.Errorf(atelier.Invalid, "Invalid run ID: '%s'.", atelier.Clip(id, 80)).At("run").
			WithHint("Choose 32 hexadecimal digits in lower case, at random.")
	}
	return nil
}

// StartRun makes a run for whoever asks, as MLflow's start_run does. One that a
// job starts is a child of the job's own run unless it says otherwise, so that
// what a script logs after its run has ended is found with the job.
//
// Who chose the run's id may ask again, not knowing whether the first call was
// heard: the run is made once. Another's id is refused.
func (s *Service) StartRun(ctx context.Context, ws string, n NewRun) (Run, error) {
	if actor, ok := atelier.ActorFrom(ctx); ok {
		n.User = actor.Name
		if actor.Kind == atelier.JobActor {
			n.OwnerJob = actor.ID
			tags := map[string]string{TagParent: actor.ID}
			maps.Copy(tags, n.Tags)
			n.Tags = tags
		}
	}
	if at := n.StartedAt; at != nil && (at.Before(time.UnixMilli(0)) || series.TimestampOf(*at) > series.MaxTimestamp) {
		return Run{}, atelier.Errorf(atelier.Invalid, "A run cannot have started at %s.", at).At("started_at")
	}
	var run Run
	start := func(tx *sqldb.Tx) (err error) {
		if n.ID != "" {
			if run, err = startedBefore(ctx, tx, ws, n); !isNotFound(err) {
				return err
			}
		}
		run, err = CreateRun(ctx, tx, ws, n)
		return err
	}
	err := s.db.Write(ctx, start)
	if n.ID != "" && atelier.CodeOf(err) == atelier.Conflict {
		err = s.db.Write(ctx, start) // the same call may have come in between
	}
	if err != nil {
		return Run{}, err
	}
	s.publish(ws, event.Run, run.ID)
	if n.ID != "" {
		return s.Run(ctx, ws, run.ID) // what it has become since
	}
	return run, nil
}

// startedBefore returns the run that n describes, if an earlier call made it. Its
// name, tags and experiment may have changed since; who started it, and when,
// never do.
func startedBefore(ctx context.Context, tx *sqldb.Tx, ws string, n NewRun) (Run, error) {
	known, err := selectRun(ctx, tx, ws, n.ID)
	if err != nil {
		return known, err
	}
	sameTime := n.StartedAt == nil || n.StartedAt.UnixMilli() == known.StartedAt.UnixMilli()
	if known.Job || known.User != n.User || !sameTime || mayWrite(ctx, known.ID, known.OwnerJob) != nil {
		return known, atelier.Errorf(atelier.Conflict, "There is another run with the id %q already.", n.ID)
	}
	return known, nil
}

package tracking

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Purge says which deleted things are to be removed for good.
type Purge struct {
	DeletedBefore time.Time `json:"deleted_before" doc:"Runs and logged models that were deleted before this time."`
	DryRun        bool      `json:"dry_run,omitempty" doc:"Only count."`
}

// Purged is how much was removed, or would be.
type Purged struct {
	DryRun       bool `json:"dry_run"`
	Runs         int  `json:"runs"`
	LoggedModels int  `json:"logged_models"`
	// Kept are deleted runs that had to stay, such as of a job that still ends.
	Kept int `json:"kept"`
}

// PurgeHook joins the removal of a run, or refuses it with a Precondition error.
type PurgeHook func(ctx context.Context, tx *sqldb.Tx, ws, run string) error

// OnPurge adds a hook, before the service is used.
func (s *Service) OnPurge(hook PurgeHook) { s.purgeHooks = append(s.purgeHooks, hook) }

// purgePage is how many runs are looked up at a time.
const purgePage = 200

// Purge removes deleted runs for good, each with all that it logged and the
// logged models that only it knows, and logged models deleted by themselves.
// Bytes are freed by the sweep, which knows what else refers to them.
func (s *Service) Purge(ctx context.Context, ws string, p Purge) (Purged, error) {
	done := Purged{DryRun: p.DryRun}
	if err := refuseJobs(ctx, "remove runs for good"); err != nil {
		return done, err
	}
	if p.DeletedBefore.IsZero() {
		return done, missing("deleted_before")
	}
	for after := ""; ; {
		var runs []string
		err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			runs, err = selectPurgeable(ctx, tx, ws, p.DeletedBefore, after, purgePage)
			return err
		})
		if err != nil {
			return done, err
		}
		for _, run := range runs {
			if err := s.purgeRun(ctx, ws, run, p, &done); err != nil {
				return done, err
			}
			after = run
		}
		if len(runs) < purgePage {
			return done, s.purgeModels(ctx, ws, p, &done)
		}
	}
}

func (s *Service) purgeRun(ctx context.Context, ws, run string, p Purge, done *Purged) error {
	models, gone := 0, false
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var err error
		if gone, err = mayPurge(ctx, tx, ws, run, p.DeletedBefore); err != nil || !gone {
			return err // restored meanwhile
		}
		own, err := selectOwnModels(ctx, tx, ws, run)
		if err != nil {
			return err
		}
		models = len(own)
		if p.DryRun {
			return nil
		}
		for _, hook := range s.purgeHooks {
			if err := hook(ctx, tx, ws, run); err != nil {
				return err
			}
		}
		for _, id := range own {
			if err := purgeLoggedModel(ctx, tx, ws, id); err != nil {
				return err
			}
		}
		return purgeRun(ctx, tx, ws, run)
	})
	if atelier.CodeOf(err) == atelier.Precondition {
		done.Kept++
		return nil
	}
	if err == nil && gone {
		done.Runs++
		done.LoggedModels += models
		if !p.DryRun {
			s.publish(ws, event.Run, run)
		}
	}
	return err
}

func (s *Service) purgeModels(ctx context.Context, ws string, p Purge, done *Purged) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		ids, err := selectPurgeableModels(ctx, tx, ws, p.DeletedBefore)
		if err != nil {
			return err
		}
		done.LoggedModels += len(ids)
		if p.DryRun {
			return nil
		}
		for _, id := range ids {
			if err := purgeLoggedModel(ctx, tx, ws, id); err != nil {
				return err
			}
		}
		return nil
	})
}

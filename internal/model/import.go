package model

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// Times are when something was made and changed last; nil where that is not known.
type Times struct {
	CreatedAt *time.Time `json:"created_at,omitempty"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
}

// ImportTimes says when a model that was brought from elsewhere, and versions of
// it, were made there.
type ImportTimes struct {
	Name string `json:"name"`
	Times
	Versions map[string]Times `json:"versions,omitempty" doc:"Times by the version's number."`
}

// ImportTimes dates a model and its versions back. What is here and older than n
// says stays as it is.
func (s *Service) ImportTimes(ctx context.Context, ws string, n ImportTimes) (Model, error) {
	if actor, _ := atelier.ActorFrom(ctx); actor.Kind == atelier.JobActor {
		return Model{}, atelier.Errorf(atelier.Forbidden, "A job's token may not date models back.")
	}
	if err := n.check(); err != nil {
		return Model{}, err
	}
	err := s.write(ctx, ws, n.Name, func(tx *sqldb.Tx) error {
		m, err := selectModel(ctx, tx, ws, n.Name)
		if err != nil {
			return err
		}
		m.CreatedAt, m.UpdatedAt = n.earlier(m.CreatedAt, m.UpdatedAt)
		if err := updateModelTimes(ctx, tx, ws, m); err != nil {
			return err
		}
		for text, times := range n.Versions {
			number, err := ParseVersion(text)
			if err != nil {
				return err
			}
			v, err := selectVersion(ctx, tx, ws, n.Name, number)
			if err != nil {
				return err
			}
			v.CreatedAt, v.UpdatedAt = times.earlier(v.CreatedAt, v.UpdatedAt)
			if err := updateVersionTimes(ctx, tx, ws, number, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Model{}, err
	}
	return s.Get(ctx, ws, n.Name)
}

func (n ImportTimes) check() error {
	if err := n.Times.check(); err != nil {
		return err
	}
	for _, times := range n.Versions {
		if err := times.check(); err != nil {
			return err
		}
	}
	return nil
}

func (t Times) check() error {
	for _, at := range []*time.Time{t.CreatedAt, t.UpdatedAt} {
		if at != nil && (at.Before(time.UnixMilli(0)) || series.TimestampOf(*at) > series.MaxTimestamp) {
			return atelier.Errorf(atelier.Invalid, "A model cannot have been made or changed at %s.", at).At("created_at")
		}
	}
	return nil
}

// earlier are the times of t where they are before those that are known.
func (t Times) earlier(created, updated time.Time) (time.Time, time.Time) {
	if t.CreatedAt != nil && t.CreatedAt.Before(created) {
		created = *t.CreatedAt
	}
	if t.UpdatedAt != nil && t.UpdatedAt.Before(updated) {
		updated = *t.UpdatedAt
	}
	return created, updated
}

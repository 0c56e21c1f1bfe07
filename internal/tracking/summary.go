package tracking

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// slowSummary is how long summing up what takes room may take for it to be done
// while somebody waits.
const slowSummary = time.Second

// restOfSummaries is how many times as long as it took a summary is good for, so
// that those who ask again and again keep a processor busy for a tenth of its time.
const restOfSummaries = 10

// summarised is a workspace, or one experiment of it.
type summarised struct{ workspace, experiment string }

// summary is what takes room there, found in how long a time.
type summary struct {
	Storage
	took time.Duration
}

// storageOf returns what takes room: found now if that is fast, or else what was
// found the last time, while SumUp finds it anew for the next who asks.
func (s *Service) storageOf(ctx context.Context, at summarised) (Storage, error) {
	var last summary
	fresh := false
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		last, err = selectSummary(ctx, tx, at)
		fresh = tx.Now().Sub(last.MadeAt) < restOfSummaries*last.took
		return err
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return s.sumUpNow(ctx, at, false)
	}
	if err != nil || fresh {
		return last.Storage, err
	}
	select {
	case s.stale <- at:
	default: // others are waiting: who asks again asks for this one again
	}
	return last.Storage, nil
}

// sumUpNow sums up, and remembers what took long; it forgets what was known where
// it does no more.
func (s *Service) sumUpNow(ctx context.Context, at summarised, known bool) (Storage, error) {
	began := time.Now()
	out, err := s.sumUp(ctx, at.workspace, at.experiment)
	if err != nil {
		return out, err
	}
	took := time.Since(began)
	if took < s.slowSummary && !known {
		return out, nil
	}
	return out, s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if took < s.slowSummary {
			return deleteSummary(ctx, tx, at)
		}
		return upsertSummary(ctx, tx, at, summary{out, took})
	})
}

// SumUp sums up in the background what is large and was asked for, until ctx ends.
func (s *Service) SumUp(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case at := <-s.stale:
			if err := s.sumUpAgain(ctx, at); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// sumUpAgain does nothing where it was done, or all was removed, since it was asked for.
func (s *Service) sumUpAgain(ctx context.Context, at summarised) error {
	var last summary
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		last, err = selectSummary(ctx, tx, at)
		if err == nil && tx.Now().Sub(last.MadeAt) < restOfSummaries*last.took {
			err = sqldb.ErrNoRows
		}
		return err
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil
	}
	if err == nil {
		_, err = s.sumUpNow(ctx, at, true)
	}
	return err
}

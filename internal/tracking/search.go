package tracking

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// SearchRuns returns a page of runs. Without an order, the newest come first.
func (s *Service) SearchRuns(ctx context.Context, ws string, q Search) (atelier.Page[Run], error) {
	page := atelier.Page[Run]{Items: []Run{}}
	err := s.inTime(ctx, func(ctx context.Context) error { return s.searchRuns(ctx, ws, q, &page) })
	return page, err
}

func (s *Service) searchRuns(ctx context.Context, ws string, q Search, page *atelier.Page[Run]) error {
	since := s.memory.now()
	return s.db.Read(ctx, func(tx *sqldb.Tx) error {
		ids, next, err := searchRuns(ctx, tx, &s.counts, ws, q)
		if err != nil {
			return err
		}
		page.NextPageToken = next
		page.Items, err = s.memory.load(ctx, tx, ws, ids, since)
		return err
	})
}

// CountRuns counts the runs that q asks for, on all its pages.
func (s *Service) CountRuns(ctx context.Context, ws string, q Search) (count int, err error) {
	err = s.inTime(ctx, func(ctx context.Context) error {
		return s.db.Read(ctx, func(tx *sqldb.Tx) error {
			count, err = countRuns(ctx, tx, ws, q)
			return err
		})
	})
	return count, err
}

// searchTime is how long a search may take. The slowest that can be asked for
// looks at every run, which takes seconds where there are a million.
const searchTime = 30 * time.Second

// inTime ends a search that takes too long, whatever was asked for. The error is
// one after which no client asks again by itself.
func (s *Service) inTime(ctx context.Context, search func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.searchTime)
	defer cancel()
	err := search(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return atelier.Errorf(atelier.Invalid, "The search took longer than %s and was ended.", s.searchTime).At("filter").
			WithHint("Search fewer experiments, ask for a metric's range or an exact param, or order by start_time or a metric.")
	}
	return err
}

// SearchExperiments returns a page of experiments, the newest first.
func (s *Service) SearchExperiments(ctx context.Context, ws string, q Search) (atelier.Page[Experiment], error) {
	if err := s.ensure(ctx, ws); err != nil {
		return atelier.Page[Experiment]{}, err
	}
	var page atelier.Page[Experiment]
	err := s.inTime(ctx, func(ctx context.Context) error {
		return s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
			page, err = searchExperiments(ctx, tx, ws, q)
			return err
		})
	})
	return page, err
}

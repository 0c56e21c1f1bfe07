package tracking

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// SearchRuns returns a page of runs. Without an order, the newest come first.
func (s *Service) SearchRuns(ctx context.Context, ws string, q Search) (atelier.Page[Run], error) {
	page := atelier.Page[Run]{Items: []Run{}}
	since := s.memory.now()
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		ids, next, err := searchRuns(ctx, tx, ws, q)
		if err != nil {
			return err
		}
		page.NextPageToken = next
		page.Items, err = s.memory.load(ctx, tx, ws, ids, since)
		return err
	})
	return page, err
}

// SearchExperiments returns a page of experiments, the newest first.
func (s *Service) SearchExperiments(ctx context.Context, ws string, q Search) (atelier.Page[Experiment], error) {
	if err := s.ensure(ctx, ws); err != nil {
		return atelier.Page[Experiment]{}, err
	}
	var page atelier.Page[Experiment]
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page, err = searchExperiments(ctx, tx, ws, q)
		return err
	})
	return page, err
}

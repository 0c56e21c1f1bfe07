package environment

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Service keeps the environments of workspaces.
type Service struct {
	db *sqldb.DB
}

// New returns the service over db.
func New(db *sqldb.DB) *Service { return &Service{db: db} }

// Resolve makes a Definition of what a user wrote, and pins its version. It
// changes nothing: whoever uses the result calls Keep in its own transaction.
func (s *Service) Resolve(ctx context.Context, ws string, spec Spec) (Definition, Resolved, error) {
	return Definition{}, Resolved{}, atelier.Errorf(atelier.NotImplemented, "Environments are not resolved yet.")
}

// Keep records that definition is used in the workspace, so that an anonymous
// one is listed and can be referred to by its name and version.
func (s *Service) Keep(ctx context.Context, tx *sqldb.Tx, ws string, definition Definition) error {
	return nil
}

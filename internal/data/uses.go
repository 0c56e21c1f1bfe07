package data

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Direction says whether a run read data or made it.
type Direction string

const (
	Input  Direction = "input"
	Output Direction = "output"
)

// Use is what a run read or made under one of its names: the lineage, in both
// directions.
type Use struct {
	RunID     string    `json:"run_id"`
	Direction Direction `json:"direction" enum:"input,output"`
	Name      string    `json:"name" doc:"Of the input or the output."`
	Type      string    `json:"type"`
	Path      string    `json:"path" doc:"As the job named it."`
	Asset     string    `json:"asset,omitempty" doc:"The data asset, if it was one."`
	Version   string    `json:"version,omitempty"`
	SourceRun string    `json:"source_run,omitempty" doc:"The run that made it, if one did."`
	Tree      blob.Hash `json:"tree,omitempty" doc:"The bytes."`
	// Reference is where the bytes were, when they are not stored.
	Reference *Reference `json:"reference,omitempty"`
	UsedAt    time.Time  `json:"used_at"`
	Changed   bool       `json:"-"` // the version is no longer what was registered
}

// Record keeps uses, in the transaction of the job that has them.
func Record(ctx context.Context, tx *sqldb.Tx, ws string, uses []Use) error {
	return insertUses(ctx, tx, ws, uses)
}

// UsesOfVersion returns what read or made a version, the latest use first.
func (s *Service) UsesOfVersion(ctx context.Context, ws, name, version string) (atelier.Page[Use], error) {
	var page atelier.Page[Use]
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		v, err := selectVersion(ctx, tx, ws, name, version)
		if err != nil {
			return err
		}
		page.Items, err = selectUsesOfVersion(ctx, tx, ws, v.Name, v.Version)
		return err
	})
	return page, err
}

// UsesOfRun returns what a run read and made.
func (s *Service) UsesOfRun(ctx context.Context, ws, run string) (uses []Use, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		uses, err = selectUsesOfRun(ctx, tx, ws, run)
		return err
	})
	return uses, err
}

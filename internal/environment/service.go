package environment

import (
	"context"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Service keeps the environments of workspaces.
type Service struct {
	db *sqldb.DB
}

// New returns the service over db.
func New(db *sqldb.DB) *Service { return &Service{db: db} }

// Resolve makes a Definition of what a user wrote, and pins its version. An
// empty Spec gets the default environment. Resolve changes nothing: whoever
// uses the result calls Keep in its own transaction.
func (s *Service) Resolve(ctx context.Context, ws string, spec Spec) (Definition, Resolved, error) {
	if spec.IsZero() {
		spec.Reference = DefaultName
	}
	if spec.Reference != "" {
		d, hint, err := s.lookUp(ctx, ws, spec.Reference)
		return d, Resolved{Name: d.Name, Version: d.Version, Hint: hint}, err
	}
	d, notes, err := define(spec)
	if err != nil {
		return Definition{}, Resolved{}, err
	}
	if spec.CondaFile != "" || spec.PipRequirements != "" || spec.PythonVersion != "" || spec.Build != nil {
		d = anonymous(d)
	}
	return d, Resolved{Name: d.Name, Version: d.Version, Hint: strings.Join(notes, " ")}, nil
}

// lookUp finds a named environment: the workspace's own first, then a curated
// one, by our name or by Azure's.
func (s *Service) lookUp(ctx context.Context, ws, reference string) (d Definition, hint string, err error) {
	path, err := splitReference(reference)
	if err != nil {
		return Definition{}, "", err
	}
	if path.Kind == atelier.AssetPath {
		e, found, err := s.own(ctx, ws, path.Name, path.Version)
		if found || err != nil {
			return e.Definition(), "", err
		}
	}
	d, hint, found := curatedByName(path.Name)
	if !found {
		return Definition{}, "", s.missing(ctx, ws, path.Name, path.Version)
	}
	return d, hint, nil
}

// own finds a version of the workspace's own environment; the one made last
// when version is empty or "latest".
func (s *Service) own(ctx context.Context, ws, name, version string) (e Environment, found bool, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		e, found, err = pick(ctx, tx, ws, name, version)
		return err
	})
	return e, found, err
}

func pick(ctx context.Context, tx *sqldb.Tx, ws, name, version string) (e Environment, found bool, err error) {
	if version == "" || version == Latest {
		return selectLatest(ctx, tx, ws, name)
	}
	return selectEnvironment(ctx, tx, ws, name, version)
}

// Keep records that definition is used in the workspace, so that an anonymous
// one is listed and can be referred to by its name and version.
func (s *Service) Keep(ctx context.Context, tx *sqldb.Tx, ws string, definition Definition) error {
	if definition.Name != Anonymous {
		return nil
	}
	actor, _ := atelier.ActorFrom(ctx)
	e := Environment{Name: definition.Name, Version: definition.Version, Tags: map[string]string{}, CreatedBy: actor.Name}
	e.fill(definition)
	return insertEnvironment(ctx, tx, ws, e)
}

// Register makes a new version of a named environment.
func (s *Service) Register(ctx context.Context, ws string, ask RegisterEnvironment) (Environment, error) {
	if err := checkRegistration(ask); err != nil {
		return Environment{}, err
	}
	d, _, err := define(ask.Spec())
	if err != nil {
		return Environment{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	e := Environment{Name: ask.Name, Version: ask.Version, Description: ask.Description, Tags: ask.Tags,
		Image: ask.Image, CondaFile: ask.CondaFile, CreatedBy: actor.Name}
	if e.Tags == nil {
		e.Tags = map[string]string{}
	}
	e.fill(d)
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		e.Version = ask.Version
		if e.Version == "" {
			if e.Version, err = nextVersion(ctx, tx, ws, e.Name); err != nil {
				return err
			}
		}
		if _, taken, err := selectEnvironment(ctx, tx, ws, e.Name, e.Version); taken || err != nil {
			return firstError(err, atelier.Errorf(atelier.Conflict, "The environment %q has a version %q already.", e.Name, e.Version).
				At("version").WithHint("Leave the version out to get the next one."))
		}
		now := tx.Now()
		e.CreatedAt = &now
		return insertEnvironment(ctx, tx, ws, e)
	})
	return e, err
}

func checkRegistration(ask RegisterEnvironment) error {
	if err := atelier.CheckAssetName("environment", ask.Name); err != nil {
		return err
	}
	if curatedPrefix.MatchString(ask.Name) || ask.Name == Anonymous {
		return atelier.Errorf(atelier.Invalid, "The name %q is reserved.", ask.Name).At("name").WithHint("Names that begin with AzureML are taken by curated environments.")
	}
	for _, e := range Curated() {
		if e.Name == ask.Name {
			return atelier.Errorf(atelier.Invalid, "The name %q belongs to a curated environment.", ask.Name).At("name").WithHint("Choose another name.")
		}
	}
	if ask.Version == "" {
		return nil
	}
	if ask.Version == Latest {
		return atelier.Errorf(atelier.Invalid, "\"latest\" is a label and cannot be a version.").At("version").WithHint("Leave the version out to get the next number.")
	}
	if err := atelier.CheckAssetName("version", ask.Version); err != nil {
		return atelier.Public(err).At("version")
	}
	return nil
}

func firstError(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

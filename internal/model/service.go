package model

import (
	"cmp"
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// Service is the registry of every workspace.
type Service struct {
	db       *sqldb.DB
	blobs    blob.Store
	bus      *event.Bus
	tracking *tracking.Service
}

// New returns the service over db and blobs, which reads what runs keep from
// tracked and announces changes on bus.
func New(db *sqldb.DB, blobs blob.Store, bus *event.Bus, tracked *tracking.Service) *Service {
	return &Service{db: db, blobs: blobs, bus: bus, tracking: tracked}
}

// write changes a model in one transaction and announces it.
func (s *Service) write(ctx context.Context, ws, name string, change func(tx *sqldb.Tx) error) error {
	err := s.db.Write(ctx, change)
	if err == nil {
		s.bus.Publish(event.Notice{Workspace: ws, Topic: event.Model, ID: name})
	}
	return err
}

func actorName(ctx context.Context) string {
	actor, _ := atelier.ActorFrom(ctx)
	return actor.Name
}

// Create makes a model without versions.
func (s *Service) Create(ctx context.Context, ws string, c Create) (Model, error) {
	if err := cmp.Or(CheckName(c.Name), tracking.CheckText("description", c.Description)); err != nil {
		return Model{}, err
	}
	for key, value := range c.Tags {
		if err := checkTag(key, value); err != nil {
			return Model{}, err
		}
	}
	err := s.write(ctx, ws, c.Name, func(tx *sqldb.Tx) error {
		m := Model{Name: c.Name, Description: c.Description, CreatedBy: actorName(ctx), CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
		if err := insertOther(ctx, tx, ws, m, c.Tags); err != nil {
			return err
		}
		return setModelTags(ctx, tx, ws, c.Name, c.Tags)
	})
	if err != nil {
		return Model{}, err
	}
	return s.Get(ctx, ws, c.Name)
}

// insertOther adds m, or says what has its name.
func insertOther(ctx context.Context, tx *sqldb.Tx, ws string, m Model, tags map[string]string) error {
	if _, err := selectModel(ctx, tx, ws, m.Name); atelier.CodeOf(err) == atelier.NotFound {
		return insertModel(ctx, tx, ws, m)
	} else if err != nil {
		return err
	}
	known, err := isPrompt(ctx, tx, ws, m.Name)
	if err != nil {
		return err
	}
	noun := map[bool]string{true: "prompt", false: "registered model"}
	_, wanted := tags[TagPrompt]
	switch {
	case known != wanted:
		return atelier.Errorf(atelier.Conflict, "Tried to create a %s with name '%s', but the name is already taken by a %s. A model and a prompt cannot have the same name.",
			noun[wanted], atelier.Clip(m.Name, 80), noun[known]).At("name")
	case known:
		return atelier.Errorf(atelier.Conflict, "Prompt (name=%s) already exists.", atelier.Clip(m.Name, 80)).At("name")
	}
	return taken(m.Name)
}

// Get returns the model called name.
func (s *Service) Get(ctx context.Context, ws, name string) (Model, error) {
	models := make([]Model, 1)
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		if models[0], err = selectModel(ctx, tx, ws, name); err != nil {
			return err
		}
		return loadModels(ctx, tx, ws, models)
	})
	return models[0], err
}

// Search returns a page of models by name. Prompts, which MLflow keeps as models,
// are left out unless the filter asks for them.
func (s *Service) Search(ctx context.Context, ws string, q Search) (atelier.Page[Model], error) {
	var page atelier.Page[Model]
	q.MaxResults = atelier.PageSize(q.MaxResults, 100, 1000)
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		page, err = searchModels(ctx, tx, ws, q)
		return err
	})
	return page, err
}

// Update changes a model's description and tags, where they are not nil.
func (s *Service) Update(ctx context.Context, ws, name string, description *string, tags map[string]string) (Model, error) {
	for key, value := range tags {
		if err := checkTag(key, value); err != nil {
			return Model{}, err
		}
	}
	err := s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		m, err := selectModel(ctx, tx, ws, name)
		if err != nil {
			return err
		}
		if description != nil {
			if err := tracking.CheckText("description", *description); err != nil {
				return err
			}
			m.Description = *description
		}
		if err := updateModel(ctx, tx, ws, name, m); err != nil {
			return err
		}
		return setModelTags(ctx, tx, ws, name, tags)
	})
	if err != nil {
		return Model{}, err
	}
	return s.Get(ctx, ws, name)
}

// Untag removes a tag of a model. One that is not there is no error.
func (s *Service) Untag(ctx context.Context, ws, name, key string) error {
	return s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		if _, err := selectModel(ctx, tx, ws, name); err != nil {
			return err
		}
		return deleteModelTag(ctx, tx, ws, name, key)
	})
}

// Rename gives a model and all its versions another name.
func (s *Service) Rename(ctx context.Context, ws, name, to string) (Model, error) {
	if err := CheckName(to); err != nil {
		return Model{}, err
	}
	err := s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		m, err := selectModel(ctx, tx, ws, name)
		if err != nil {
			return err
		}
		m.Name = to
		return updateModel(ctx, tx, ws, name, m)
	})
	if err != nil {
		return Model{}, err
	}
	return s.Get(ctx, ws, to)
}

// Delete removes a model with all its versions.
func (s *Service) Delete(ctx context.Context, ws, name string) error {
	return s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		if _, err := selectModel(ctx, tx, ws, name); err != nil {
			return err
		}
		return deleteModel(ctx, tx, ws, name)
	})
}

// SetAlias points an alias at a version.
func (s *Service) SetAlias(ctx context.Context, ws, name, alias, version string) error {
	number, err := ParseVersion(version)
	if err := cmp.Or(checkAlias(alias), err); err != nil {
		return err
	}
	return s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		if _, err := selectVersion(ctx, tx, ws, name, number); err != nil {
			return err
		}
		return setAlias(ctx, tx, ws, name, alias, number)
	})
}

// DeleteAlias removes an alias. One that is not there is no error.
func (s *Service) DeleteAlias(ctx context.Context, ws, name, alias string) error {
	return s.write(ctx, ws, name, func(tx *sqldb.Tx) error {
		if _, err := selectModel(ctx, tx, ws, name); err != nil {
			return err
		}
		return deleteAlias(ctx, tx, ws, name, alias)
	})
}

// Register makes a version, and the model too if it is new. The content is
// stored before the version exists, so a version is never half there.
func (s *Service) Register(ctx context.Context, ws string, r Register) (Version, error) {
	prepared, err := s.Prepare(ctx, ws, r)
	if err != nil {
		return Version{}, err
	}
	var made Version
	err = s.write(ctx, ws, r.Name, func(tx *sqldb.Tx) (err error) {
		made, err = Insert(ctx, tx, ws, r, prepared)
		return err
	})
	if err != nil {
		return Version{}, err
	}
	return s.Version(ctx, ws, made.Name, made.Version)
}

// Insert makes the version of r that Prepare returned, in the transaction of whoever
// calls, and the model too if it is new.
func Insert(ctx context.Context, tx *sqldb.Tx, ws string, r Register, v Version) (Version, error) {
	_, err := selectModel(ctx, tx, ws, r.Name)
	if atelier.CodeOf(err) == atelier.NotFound && !r.OnlyExisting {
		err = insertModel(ctx, tx, ws, Model{Name: r.Name, CreatedBy: v.CreatedBy, CreatedAt: tx.Now(), UpdatedAt: tx.Now()})
	}
	if err != nil {
		return v, err
	}
	number, err := numberFor(ctx, tx, ws, r)
	if err != nil {
		return v, err
	}
	v.Version, v.CreatedAt = strconv.FormatInt(number, 10), tx.Now()
	if err := insertVersion(ctx, tx, ws, number, v); err != nil {
		return v, err
	}
	return v, setVersionTags(ctx, tx, ws, r.Name, number, r.Tags)
}

// Taken reports whether the version that r asks for is there. Whoever inserts in a
// transaction of their own asks before: an insertion that fails would break it.
func Taken(ctx context.Context, tx *sqldb.Tx, ws string, r Register) (bool, error) {
	if r.Version == "" {
		return false, nil
	}
	number, err := ParseVersion(r.Version)
	if err != nil {
		return false, err
	}
	_, err = selectVersion(ctx, tx, ws, r.Name, number)
	if atelier.CodeOf(err) == atelier.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Registered announces models that others gave a version.
func (s *Service) Registered(ws string, names ...string) {
	for _, name := range names {
		s.bus.Publish(event.Notice{Workspace: ws, Topic: event.Model, ID: name})
	}
}

// Prepare checks r, and finds and keeps the content that it names. The version that
// it returns is for Insert, which gives it its number and its time.
func (s *Service) Prepare(ctx context.Context, ws string, r Register) (Version, error) {
	if err := CheckName(r.Name); err != nil {
		return Version{}, err
	}
	for key, value := range r.Tags {
		if err := checkTag(key, value); err != nil {
			return Version{}, err
		}
	}
	for field, text := range map[string]string{"path": r.Path, "description": r.Description, "run_id": r.RunID, "run_link": r.RunLink, "model_id": r.LoggedModelID} {
		if err := tracking.CheckText(field, text); err != nil {
			return Version{}, err
		}
	}
	stage, err := stageNamed(cmp.Or(r.Stage, NoStage))
	if err != nil {
		return Version{}, err
	}
	v := Version{Name: r.Name, Type: cmp.Or(r.Type, Custom), Path: r.Path, Description: r.Description, Flavors: map[string]any{},
		Properties: maps.Clone(r.Properties), Stage: stage, RunID: r.RunID, RunLink: r.RunLink, LoggedModelID: r.LoggedModelID, CreatedBy: actorName(ctx)}
	if v.Properties == nil {
		v.Properties = map[string]string{}
	}
	if _, prompt := r.Tags[TagPrompt]; prompt {
		return v, checkPromptPath(r.Path)
	}
	if r.Remote && isRemote(r.Path) {
		return v, tracking.CheckRemote("path", r.Path)
	}
	content, err := s.Resolve(ctx, ws, r.Path, r.Type)
	if err != nil {
		return Version{}, err
	}
	v.Type, v.Tree, v.Size, v.Flavors = content.Type, content.Tree.ID, content.Tree.Size(), content.Flavors
	v.RunID, v.LoggedModelID = cmp.Or(r.RunID, content.RunID), cmp.Or(r.LoggedModelID, content.LoggedModelID)
	return v, nil
}

// isRemote reports whether a path lies in somebody else's storage.
func isRemote(path string) bool {
	p, err := atelier.ParsePath(path)
	return err == nil && p.Kind == atelier.RemotePath && !strings.HasPrefix(path, "mlflow-artifacts:")
}

// checkPromptPath refuses what a client could take for a file. A prompt has none,
// and clients give any word for it.
func checkPromptPath(path string) error {
	if isRemote(path) {
		return tracking.CheckRemote("path", path)
	}
	_, err := tracking.CheckArtifactPath(path)
	return err
}

func numberFor(ctx context.Context, tx *sqldb.Tx, ws string, r Register) (int64, error) {
	if r.Version == "" {
		return nextVersion(ctx, tx, ws, r.Name)
	}
	number, err := ParseVersion(r.Version)
	if err != nil {
		return 0, err
	}
	return number, reserveVersion(ctx, tx, ws, r.Name, number)
}

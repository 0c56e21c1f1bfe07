// Package workspace holds the top-level resource: a workspace owns everything
// below it, and is what people are members of.
package workspace

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Default is the name of the workspace that every server has.
const Default = "default"

// Workspace is the top-level resource. Everything else refers to it by ID,
// which never changes and is never shown.
type Workspace struct {
	ID          string            `json:"-"`
	Name        string            `json:"name"`
	DisplayName string            `json:"display_name"`
	Description string            `json:"description"`
	Tags        map[string]string `json:"tags"`
	CreatedBy   string            `json:"created_by"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
}

// Create asks for a new workspace.
type Create struct {
	Name        string            `json:"name" doc:"2 to 33 letters, digits, '-' or '_'"`
	DisplayName string            `json:"display_name,omitempty"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Update changes what is not nil. Tags are replaced as a whole.
type Update struct {
	DisplayName *string            `json:"display_name,omitempty"`
	Description *string            `json:"description,omitempty"`
	Tags        *map[string]string `json:"tags,omitempty"`
}

type contextKey struct{}

// With returns a context of a request to the workspace.
func With(ctx context.Context, ws Workspace) context.Context {
	return context.WithValue(ctx, contextKey{}, ws)
}

// Of returns the workspace of the request, if it has one.
func Of(ctx context.Context) (Workspace, bool) {
	ws, ok := ctx.Value(contextKey{}).(Workspace)
	return ws, ok
}

// From returns the workspace of the request. It panics outside one, because a
// route that has no workspace in its path has nothing to do in one.
func From(ctx context.Context) Workspace {
	ws, ok := ctx.Value(contextKey{}).(Workspace)
	if !ok {
		panic("workspace: the request has no workspace")
	}
	return ws
}

// Guard may refuse the deletion of a workspace, such as while jobs run in it.
type Guard func(ctx context.Context, tx *sqldb.Tx, workspaceID string) error

// Service keeps workspaces.
type Service struct {
	db     *sqldb.DB
	access *access.Service
	bus    *event.Bus
	guards []Guard

	// Every request names its workspace, so those that were looked up are
	// remembered, until one changes here.
	mu      sync.RWMutex
	known   map[string]remembered
	changes int // how often one was forgotten
}

type remembered struct {
	Workspace
	until time.Time
}

const (
	// rememberFor is how long this server goes on after another one on the same
	// database changed or deleted a workspace.
	rememberFor = 5 * time.Second
	// maxRemembered bounds how many are remembered.
	maxRemembered = 10_000
)

// changeKind is what transactions say they change.
const changeKind = "workspace"

func changed(tx *sqldb.Tx, name string) { tx.Changed(sqldb.Change{Kind: changeKind, ID: name}) }

// New returns the service on db, which it must get before it is used.
func New(db *sqldb.DB, who *access.Service, bus *event.Bus) *Service {
	s := &Service{db: db, access: who, bus: bus, known: map[string]remembered{}}
	db.Watch(func(c sqldb.Change) {
		if c.Kind == changeKind {
			s.forget(c.ID)
		}
	})
	return s
}

// GuardDeletion adds a guard that every deletion must pass.
func (s *Service) GuardDeletion(guard Guard) { s.guards = append(s.guards, guard) }

func notFound(name string) error {
	return atelier.Errorf(atelier.NotFound, "There is no workspace %q.", atelier.Clip(name, 60)).
		WithHint("See yours with `atelier workspace list`.")
}

// Get returns the workspace called name.
func (s *Service) Get(ctx context.Context, name string) (ws Workspace, err error) {
	s.mu.RLock()
	known, ok := s.known[name]
	changes := s.changes
	s.mu.RUnlock()
	if ok && s.db.Clock().Now().Before(known.until) {
		return known.Workspace, nil
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		ws, err = selectWorkspace(ctx, tx, name)
		return err
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return Workspace{}, notFound(name)
	}
	if err == nil {
		s.remember(ws, changes)
	}
	return ws, err
}

// remember keeps what was read when changes were counted, unless there were more
// since: then it may be older than they are.
func (s *Service) remember(ws Workspace, changes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes != changes {
		return
	}
	if len(s.known) >= maxRemembered {
		clear(s.known)
	}
	s.known[ws.Name] = remembered{ws, s.db.Clock().Now().Add(rememberFor)}
}

func (s *Service) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, name)
	s.changes++
}

// announce says that a workspace changed.
func (s *Service) announce(ws Workspace) {
	s.bus.Publish(event.Notice{Workspace: ws.ID, Topic: event.Workspace, ID: ws.Name})
}

// List returns every workspace in the order of names.
func (s *Service) List(ctx context.Context) (all []Workspace, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = selectWorkspaces(ctx, tx)
		return err
	})
	return all, err
}

// Create makes a workspace whose owner is the actor.
func (s *Service) Create(ctx context.Context, c Create) (Workspace, error) {
	if err := atelier.CheckWorkspaceName(c.Name); err != nil {
		return Workspace{}, err
	}
	actor, _ := atelier.ActorFrom(ctx)
	ws := Workspace{Name: c.Name, DisplayName: c.DisplayName, Description: c.Description, Tags: c.Tags, CreatedBy: actor.Name}
	if ws.DisplayName == "" {
		ws.DisplayName = ws.Name
	}
	if ws.Tags == nil {
		ws.Tags = map[string]string{}
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		changed(tx, ws.Name)
		ws.ID, ws.CreatedAt, ws.UpdatedAt = atelier.NewID(tx.Now()), tx.Now(), tx.Now()
		if err := insertWorkspace(ctx, tx, ws); err != nil {
			return err
		}
		if actor.Kind != atelier.User {
			return nil
		}
		return s.access.AddOwner(ctx, tx, ws.ID, actor.ID)
	})
	if sqldb.IsDuplicate(err) {
		return Workspace{}, atelier.Errorf(atelier.Conflict, "There is a workspace %q already.", c.Name).At("name")
	}
	if err != nil {
		return Workspace{}, err
	}
	s.announce(ws)
	return ws, nil
}

// Update changes the workspace called name.
func (s *Service) Update(ctx context.Context, name string, u Update) (ws Workspace, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		ws, err = selectWorkspace(ctx, tx, name)
		if err != nil {
			return err
		}
		if u.DisplayName != nil {
			ws.DisplayName = *u.DisplayName
		}
		if u.Description != nil {
			ws.Description = *u.Description
		}
		if u.Tags != nil {
			ws.Tags = *u.Tags
		}
		ws.UpdatedAt = tx.Now()
		changed(tx, name)
		return updateWorkspace(ctx, tx, ws)
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return Workspace{}, notFound(name)
	}
	if err != nil {
		return Workspace{}, err
	}
	s.announce(ws)
	return ws, nil
}

// Delete removes the workspace called name and everything in it, for good, unless
// one of guards refuses, besides those of every deletion. It returns what it
// removed, so that the caller can free its files.
func (s *Service) Delete(ctx context.Context, name string, guards ...Guard) (ws Workspace, err error) {
	if name == Default {
		return Workspace{}, atelier.Errorf(atelier.Precondition, "The workspace %q cannot be deleted: every server has it.", Default)
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		ws, err = selectWorkspace(ctx, tx, name)
		if err != nil {
			return err
		}
		for _, guard := range slices.Concat(s.guards, guards) {
			if err := guard(ctx, tx, ws.ID); err != nil {
				return err
			}
		}
		changed(tx, name)
		return deleteWorkspace(ctx, tx, ws.ID)
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return Workspace{}, notFound(name)
	}
	if err != nil {
		return Workspace{}, err
	}
	s.announce(ws)
	return ws, nil
}

// EnsureDefault makes the default workspace when the server has none.
func (s *Service) EnsureDefault(ctx context.Context, owner access.User) error {
	_, err := s.Get(ctx, Default)
	if atelier.CodeOf(err) != atelier.NotFound {
		return err
	}
	ctx = atelier.WithActor(ctx, atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name})
	_, err = s.Create(ctx, Create{Name: Default, DisplayName: "Default"})
	return err
}

package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Service answers who asks and what they may do.
type Service struct {
	db    *sqldb.DB
	clock clock.Clock

	actors memory[string, atelier.Actor] // by the hash of a secret
	roles  memory[membership, Role]
	news   news
}

// membership is a user's place in a workspace.
type membership struct {
	workspaceID, userID string
}

// changeKind names what the service watches: anything about who may do what.
const changeKind = "access"

// New returns the service on db.
func New(db *sqldb.DB, clk clock.Clock) *Service {
	s := &Service{db: db, clock: clk}
	db.Watch(func(c sqldb.Change) {
		if c.Kind == changeKind {
			s.actors.forget()
			s.roles.forget()
			s.news.tell()
		}
	})
	return s
}

// Changes returns a channel on which there is word when something about access has
// changed here, until done is called.
func (s *Service) Changes() (changes <-chan struct{}, done func()) { return s.news.subscribe() }

// changed makes everybody forget, once tx has ended, who may do what.
func changed(tx *sqldb.Tx) { tx.Changed(sqldb.Change{Kind: changeKind}) }

// change writes something about access.
func (s *Service) change(ctx context.Context, fn func(tx *sqldb.Tx) error) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		changed(tx)
		return fn(tx)
	})
}

var errNotSignedIn = atelier.Errorf(atelier.Unauthenticated, "Nobody is signed in.").
	WithHint("Send a token (`Authorization: Bearer TOKEN`), or sign in with a link from `atelier sign-in-link`.")

var errBadCredential = atelier.Errorf(atelier.Unauthenticated, "The token is unknown, expired or revoked.").
	WithHint("Make a new one with `atelier token create`, or sign in with a link from `atelier sign-in-link`.")

var errNoMember = atelier.Errorf(atelier.NotFound, "There is no such workspace, or you are not a member of it.").
	WithHint("See yours with `atelier workspace list`.")

// Authenticate returns the actor that secret stands for: a token's, a session's
// or a task's. A one-time link is not a way to ask for anything but a session.
func (s *Service) Authenticate(ctx context.Context, secret string) (atelier.Actor, error) {
	if secret == "" {
		return atelier.Actor{}, errNotSignedIn
	}
	hash, now := hashSecret(secret), s.clock.Now()
	actor, changes, ok := s.actors.get(hash, now)
	if ok {
		return actor, nil
	}
	actor, until, err := s.lookUp(ctx, hash, now)
	if err != nil {
		return atelier.Actor{}, err
	}
	s.actors.keep(hash, actor, until, changes)
	return actor, nil
}

// bearers are the kinds of credentials that say who asks. The others are good for
// getting one of these.
var bearers = []string{kindToken, kindSession, kindAccess, kindTask}

// lookUp reads what a secret's hash stands for, and until when that may be
// remembered.
func (s *Service) lookUp(ctx context.Context, hash string, now time.Time) (actor atelier.Actor, until time.Time, err error) {
	var c credential
	var u User
	err = s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		c, u, err = selectCredential(ctx, tx, hash)
		return err
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return actor, until, errBadCredential
	}
	if err != nil {
		return actor, until, err
	}
	if !slices.Contains(bearers, c.kind) || !now.Before(c.expiresAt) || u.DisabledAt != nil && c.kind != kindTask {
		return actor, until, errBadCredential
	}
	if c.usedAt == nil || now.Sub(*c.usedAt) > time.Hour {
		if err := s.db.Write(ctx, func(tx *sqldb.Tx) error { return touchCredential(ctx, tx, c.id) }); err != nil {
			return actor, until, err
		}
	}
	actor = atelier.Actor{Kind: atelier.User, ID: u.ID, Name: u.Name, Actions: c.actions}
	if c.workspaceID != nil {
		actor.Workspace = *c.workspaceID
	}
	if c.kind == kindTask {
		actor = atelier.Actor{Kind: atelier.ActorKind(*c.taskKind), ID: *c.task, Name: u.Name, Workspace: *c.workspaceID}
	}
	if until = now.Add(rememberFor); c.expiresAt.Before(until) {
		until = c.expiresAt
	}
	return actor, until, nil
}

// RoleIn returns the role that decides what actor may do in the workspace, and
// a NotFound error for an actor who may not know that it exists. For somebody who
// has several roles it is all of them in one.
func (s *Service) RoleIn(ctx context.Context, actor atelier.Actor, workspaceID string) (Role, error) {
	place, now := membership{workspaceID, actor.ID}, s.clock.Now()
	remember := actor.Kind == atelier.User && !actor.Narrow()
	var changes int
	if remember {
		role, counted, ok := s.roles.get(place, now)
		if ok {
			return role, nil
		}
		changes = counted
	}
	var role Role
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		role, err = roleOf(ctx, tx, actor, workspaceID)
		return err
	})
	if err == nil && remember {
		s.roles.keep(place, role, now.Add(rememberFor), changes)
	}
	return role, err
}

// Authorize returns nil when actor may do what permission names in the
// workspace, Forbidden when not, and NotFound when the actor may not even know
// that the workspace exists.
func (s *Service) Authorize(ctx context.Context, actor atelier.Actor, workspaceID string, permission atelier.Permission) error {
	role, err := s.RoleIn(ctx, actor, workspaceID)
	if err != nil {
		return err
	}
	if role.Allows(permission) {
		return nil
	}
	return atelier.Errorf(atelier.Forbidden, "The role %s does not allow %s.", role.Name, permission).
		WithHint("Ask an owner of the workspace for another role.")
}

// AuthorizeServer returns nil when actor may do what permission names on the
// server as a whole, which only its owners may.
func (s *Service) AuthorizeServer(ctx context.Context, actor atelier.Actor, permission atelier.Permission) error {
	if actor.Kind == atelier.System {
		return nil
	}
	forbidden := atelier.Errorf(atelier.Forbidden, "Only an owner of the server may do this (%s).", permission)
	if actor.Kind != atelier.User || actor.Workspace != "" ||
		len(actor.Actions) > 0 && !slices.ContainsFunc(actor.Actions, permission.Matches) {
		return forbidden
	}
	return s.db.Read(ctx, func(tx *sqldb.Tx) error {
		user, err := selectUserByID(ctx, tx, actor.ID)
		if err != nil {
			return err
		}
		if user.ServerRole != ServerOwner || user.DisabledAt != nil {
			return forbidden
		}
		return nil
	})
}

// Bootstrap makes the first owner, called name, when the server has no users.
// It returns the owner's new token, or "" when there were users already.
func (s *Service) Bootstrap(ctx context.Context, name string) (owner User, token string, err error) {
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		token = ""
		if err := deleteExpired(ctx, tx, tx.Now()); err != nil {
			return err
		}
		owner, err = selectFirstOwner(ctx, tx)
		if !errors.Is(err, sqldb.ErrNoRows) {
			return err
		}
		owner = User{ID: atelier.NewID(tx.Now()), Name: name, Kind: KindPerson, ServerRole: ServerOwner, CreatedAt: tx.Now()}
		if err := insertUser(ctx, tx, owner); err != nil {
			return err
		}
		secret := atelier.NewSecret("atl_")
		token = secret
		return insertCredential(ctx, tx, credential{
			id: atelier.NewID(tx.Now()), secretHash: hashSecret(secret), kind: kindToken, userID: owner.ID,
			description: CommandLineToken, createdAt: tx.Now(), expiresAt: tx.Now().Add(MaxTokenLifetime),
		})
	})
	return owner, token, err
}

// IssueTaskToken makes a token for a running task, in the caller's transaction.
func (s *Service) IssueTaskToken(ctx context.Context, tx *sqldb.Tx, t TaskToken) (string, error) {
	secret, kind := atelier.NewSecret("atlt_"), string(t.Kind)
	err := insertCredential(ctx, tx, credential{id: atelier.NewID(tx.Now()), secretHash: hashSecret(secret), kind: kindTask,
		userID: t.UserID, description: fmt.Sprintf("%s %s", t.Kind, t.Task), workspaceID: &t.Workspace, task: &t.Task,
		taskKind: &kind, createdAt: tx.Now(), expiresAt: t.ExpiresAt})
	return secret, err
}

// RevokeTask ends all tokens of a task, in the caller's transaction.
func (s *Service) RevokeTask(ctx context.Context, tx *sqldb.Tx, workspaceID, task string) error {
	changed(tx)
	return deleteTaskCredentials(ctx, tx, workspaceID, task)
}

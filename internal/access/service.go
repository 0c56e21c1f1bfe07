package access

import (
	"context"
	"errors"
	"fmt"
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
	roles  memory[membership, string]    // "" for who is no member
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
		}
	})
	return s
}

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
	if c.kind == kindLink || !now.Before(c.expiresAt) {
		return actor, until, errBadCredential
	}
	if c.usedAt == nil || now.Sub(*c.usedAt) > time.Hour {
		if err := s.db.Write(ctx, func(tx *sqldb.Tx) error { return touchCredential(ctx, tx, c.id) }); err != nil {
			return actor, until, err
		}
	}
	actor = atelier.Actor{Kind: atelier.User, ID: u.ID, Name: u.Name}
	if c.kind == kindTask {
		actor = atelier.Actor{Kind: atelier.ActorKind(*c.taskKind), ID: *c.task, Name: u.Name, Workspace: *c.workspaceID}
	}
	if until = now.Add(rememberFor); c.expiresAt.Before(until) {
		until = c.expiresAt
	}
	return actor, until, nil
}

// RoleIn returns the role that decides what actor may do in the workspace, and
// a NotFound error for an actor who may not know that it exists.
func (s *Service) RoleIn(ctx context.Context, actor atelier.Actor, workspaceID string) (Role, error) {
	switch actor.Kind {
	case atelier.System:
		return Role{Name: "system", Actions: []string{"*"}}, nil
	case atelier.JobActor, atelier.Deployment:
		if actor.Workspace != workspaceID {
			return Role{}, errNoMember
		}
		if actor.Kind == atelier.JobActor {
			return jobRole, nil
		}
		return deploymentRole, nil
	}
	name, err := s.memberRole(ctx, actor, workspaceID)
	if err != nil {
		return Role{}, err
	}
	if name == "" {
		return Role{}, errNoMember
	}
	return FindRole(name)
}

// memberRole returns the name of the user's role in the workspace, "" for none.
func (s *Service) memberRole(ctx context.Context, actor atelier.Actor, workspaceID string) (string, error) {
	place, now := membership{workspaceID, actor.ID}, s.clock.Now()
	role, changes, ok := s.roles.get(place, now)
	if ok {
		return role, nil
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		user, err := selectUserByID(ctx, tx, actor.ID)
		if errors.Is(err, sqldb.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if user.ServerRole == ServerOwner {
			role = Owner
			return nil
		}
		role, err = selectRole(ctx, tx, workspaceID, actor.ID)
		return err
	})
	if err == nil {
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
	if actor.Kind != atelier.User {
		return forbidden
	}
	return s.db.Read(ctx, func(tx *sqldb.Tx) error {
		user, err := selectUserByID(ctx, tx, actor.ID)
		if err != nil {
			return err
		}
		if user.ServerRole != ServerOwner {
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
		owner = User{ID: atelier.NewID(tx.Now()), Name: name, ServerRole: ServerOwner, CreatedAt: tx.Now()}
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

// CreateUser adds a person, who is a member of nothing yet.
func (s *Service) CreateUser(ctx context.Context, name string) (User, error) {
	if err := checkUserName(name); err != nil {
		return User{}, err
	}
	var user User
	err := s.change(ctx, func(tx *sqldb.Tx) error {
		user = User{ID: atelier.NewID(tx.Now()), Name: name, ServerRole: ServerUser, CreatedAt: tx.Now()}
		return insertUser(ctx, tx, user)
	})
	if sqldb.IsDuplicate(err) {
		return User{}, atelier.Errorf(atelier.Conflict, "There is a user %q already.", name).At("name")
	}
	return user, err
}

// Users lists everybody.
func (s *Service) Users(ctx context.Context) (users []User, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		users, err = selectUsers(ctx, tx)
		return err
	})
	return users, err
}

// User returns the person with the given id.
func (s *Service) User(ctx context.Context, id string) (user User, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		user, err = selectUserByID(ctx, tx, id)
		return err
	})
	if errors.Is(err, sqldb.ErrNoRows) {
		return User{}, atelier.Errorf(atelier.NotFound, "There is no such user.")
	}
	return user, err
}

func (s *Service) userByName(ctx context.Context, tx *sqldb.Tx, name string) (User, error) {
	user, err := selectUser(ctx, tx, name)
	if errors.Is(err, sqldb.ErrNoRows) {
		return User{}, atelier.Errorf(atelier.NotFound, "There is no user %q.", atelier.Clip(name, 60)).
			WithHint("An owner of the server adds people with `atelier user create`.")
	}
	return user, err
}

// CreateToken makes a personal token for the user. lifetime 0 means
// DefaultTokenLifetime.
func (s *Service) CreateToken(ctx context.Context, userID, description string, lifetime time.Duration) (Token, error) {
	if lifetime == 0 {
		lifetime = DefaultTokenLifetime
	}
	if lifetime < 0 || lifetime > MaxTokenLifetime {
		return Token{}, atelier.Errorf(atelier.Invalid, "A token can last at most %d days.", int(MaxTokenLifetime.Hours()/24)).At("expires_in_days")
	}
	var token Token
	err := s.change(ctx, func(tx *sqldb.Tx) error {
		now := tx.Now()
		token = Token{ID: atelier.NewID(now), Description: atelier.Clip(description, 200), CreatedAt: now,
			ExpiresAt: now.Add(lifetime), Secret: atelier.NewSecret("atl_")}
		return insertCredential(ctx, tx, credential{id: token.ID, secretHash: hashSecret(token.Secret), kind: kindToken,
			userID: userID, description: token.Description, createdAt: now, expiresAt: token.ExpiresAt})
	})
	return token, err
}

// Tokens lists the user's personal tokens, newest first, without their secrets.
func (s *Service) Tokens(ctx context.Context, userID string) (tokens []Token, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		tokens, err = selectTokens(ctx, tx, userID)
		return err
	})
	return tokens, err
}

// RevokeToken ends one of the user's tokens at once.
func (s *Service) RevokeToken(ctx context.Context, userID, id string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		found, err := deleteToken(ctx, tx, userID, id)
		if err == nil && !found {
			return atelier.Errorf(atelier.NotFound, "You have no token %q.", atelier.Clip(id, 60))
		}
		return err
	})
}

// CreateLink returns the code of a one-time sign-in link for the user.
func (s *Service) CreateLink(ctx context.Context, userID string) (code string, expiresAt time.Time, err error) {
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		code, expiresAt = atelier.NewSecret(""), tx.Now().Add(LinkLifetime)
		return insertCredential(ctx, tx, credential{id: atelier.NewID(tx.Now()), secretHash: hashSecret(code), kind: kindLink,
			userID: userID, createdAt: tx.Now(), expiresAt: expiresAt})
	})
	return code, expiresAt, err
}

// CreateLinkFor is CreateLink for the user called name.
func (s *Service) CreateLinkFor(ctx context.Context, name string) (string, time.Time, error) {
	var user User
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		user, err = s.userByName(ctx, tx, name)
		return err
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return s.CreateLink(ctx, user.ID)
}

// SignIn starts a browser session from a one-time code or from a personal
// token, and returns its secret and its user. A code works once.
func (s *Service) SignIn(ctx context.Context, code string) (session string, user User, err error) {
	refused := atelier.Errorf(atelier.Unauthenticated, "The sign-in link has been used, has expired, or was never good.").At("code").
		WithHint("Get a new one with `atelier sign-in-link`.")
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		hash := hashSecret(code)
		found, owner, err := selectCredential(ctx, tx, hash)
		if errors.Is(err, sqldb.ErrNoRows) || err == nil &&
			(!tx.Now().Before(found.expiresAt) || found.kind != kindLink && found.kind != kindToken) {
			return refused
		}
		if err != nil {
			return err
		}
		if found.kind == kindLink {
			if _, err := deleteCredential(ctx, tx, hash); err != nil {
				return err
			}
		}
		session, user = atelier.NewSecret(""), owner
		return insertCredential(ctx, tx, credential{id: atelier.NewID(tx.Now()), secretHash: hashSecret(session), kind: kindSession,
			userID: owner.ID, createdAt: tx.Now(), expiresAt: tx.Now().Add(SessionLifetime)})
	})
	return session, user, err
}

// SignOut ends the session that secret stands for.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		_, err := deleteCredential(ctx, tx, hashSecret(secret))
		return err
	})
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

// Members lists who has which role in the workspace.
func (s *Service) Members(ctx context.Context, workspaceID string) (members []Member, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		members, err = selectMembers(ctx, tx, workspaceID)
		return err
	})
	return members, err
}

// SetMember gives the user called name a role in the workspace.
func (s *Service) SetMember(ctx context.Context, workspaceID, name, role string) (Member, error) {
	found, err := FindRole(role)
	if err != nil {
		return Member{}, err
	}
	var member Member
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		user, err := s.userByName(ctx, tx, name)
		if err != nil {
			return err
		}
		member = Member{User: user.Name, Role: found.Name, CreatedAt: tx.Now()}
		return upsertMember(ctx, tx, workspaceID, user.ID, found.Name)
	})
	return member, err
}

// AddOwner makes the user Owner of a workspace that is being made, in the
// caller's transaction.
func (s *Service) AddOwner(ctx context.Context, tx *sqldb.Tx, workspaceID, userID string) error {
	changed(tx)
	return upsertMember(ctx, tx, workspaceID, userID, Owner)
}

// RemoveMember takes the user's role in the workspace away.
func (s *Service) RemoveMember(ctx context.Context, workspaceID, name string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		user, err := s.userByName(ctx, tx, name)
		if err != nil {
			return err
		}
		found, err := deleteMember(ctx, tx, workspaceID, user.ID)
		if err == nil && !found {
			return atelier.Errorf(atelier.NotFound, "%q is not a member of this workspace.", name)
		}
		return err
	})
}

// Roles returns the user's role in every workspace, by workspace id.
func (s *Service) Roles(ctx context.Context, userID string) (roles map[string]string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		roles, err = selectRoles(ctx, tx, userID)
		return err
	})
	return roles, err
}

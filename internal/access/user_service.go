package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// CreateUser adds a person, who is a member of nothing yet.
func (s *Service) CreateUser(ctx context.Context, name string) (User, error) {
	return s.addUser(ctx, User{Name: name, Kind: KindPerson})
}

// Invite adds a person whom the identity provider knows by the mail address.
func (s *Service) Invite(ctx context.Context, name, email string) (User, error) {
	return s.addUser(ctx, User{Name: name, Kind: KindPerson, Email: strings.TrimSpace(email)})
}

func (s *Service) addUser(ctx context.Context, user User) (User, error) {
	name := user.Name
	if err := errors.Join(checkName("user", name), checkEmail(user.Email)); err != nil {
		return User{}, err
	}
	err := s.change(ctx, func(tx *sqldb.Tx) error {
		if err := freeEmail(ctx, tx, user); err != nil {
			return err
		}
		user.ID, user.ServerRole, user.CreatedAt = atelier.NewID(tx.Now()), ServerUser, tx.Now()
		return insertUser(ctx, tx, user)
	})
	if sqldb.IsDuplicate(err) {
		return User{}, atelier.Errorf(atelier.Conflict, "There is a user %q already.", name).At("name")
	}
	return user, err
}

// Users lists everybody of a kind: KindPerson or Service.
func (s *Service) Users(ctx context.Context, kind string) (users []User, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		users, err = selectUsers(ctx, tx, kind)
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

func userByName(ctx context.Context, tx *sqldb.Tx, name string) (User, error) {
	user, err := selectUser(ctx, tx, name)
	if errors.Is(err, sqldb.ErrNoRows) {
		return User{}, atelier.Errorf(atelier.NotFound, "There is no user %q.", atelier.Clip(name, 60)).
			WithHint("An owner of the server adds people with `atelier user create`.")
	}
	return user, err
}

// UserByName returns the user called name.
func (s *Service) UserByName(ctx context.Context, name string) (user User, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		user, err = userByName(ctx, tx, name)
		return err
	})
	return user, err
}

// UpdateUser changes what is not nil.
type UpdateUser struct {
	Description *string `json:"description,omitempty" maxLength:"1000"`
	Email       *string `json:"email,omitempty" maxLength:"300"`
	ServerRole  *string `json:"server_role,omitempty" enum:"owner,user"`
	Disabled    *bool   `json:"disabled,omitempty" doc:"true ends all sessions at once, and lets no token in"`
}

// UpdateUser changes a user. The server keeps an owner.
func (s *Service) UpdateUser(ctx context.Context, name string, u UpdateUser) (user User, err error) {
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if user, err = userByName(ctx, tx, name); err != nil {
			return err
		}
		before := user
		if err := u.apply(&user, tx.Now()); err != nil {
			return err
		}
		if err := freeEmail(ctx, tx, user); err != nil {
			return err
		}
		if err := updateUser(ctx, tx, user); err != nil {
			return err
		}
		if user.DisabledAt != nil {
			if err := deleteSignIns(ctx, tx, user.ID); err != nil {
				return err
			}
		}
		return keepServerOwner(ctx, tx, before, user)
	})
	return user, err
}

func (u UpdateUser) apply(user *User, now time.Time) error {
	if u.Description != nil {
		user.Description = *u.Description
	}
	if u.Email != nil {
		user.Email = strings.TrimSpace(*u.Email)
	}
	if u.ServerRole != nil {
		user.ServerRole = *u.ServerRole
	}
	if u.Disabled != nil {
		user.DisabledAt = nil
		if *u.Disabled {
			user.DisabledAt = &now
		}
	}
	if user.Kind != KindPerson && (user.ServerRole != ServerUser || user.Email != "") {
		return atelier.Errorf(atelier.Invalid, "A service principal cannot own the server, and has no mail address.")
	}
	return checkEmail(user.Email)
}

// keepServerOwner refuses to take the server's last owner away.
func keepServerOwner(ctx context.Context, tx *sqldb.Tx, before, after User) error {
	if before.ServerRole != ServerOwner || after.ServerRole == ServerOwner && after.DisabledAt == nil {
		return nil
	}
	n, err := countOwners(ctx, tx)
	if err == nil && n == 0 {
		return atelier.Errorf(atelier.Precondition, "The server would have no owner left.").WithHint("Make somebody else an owner first.")
	}
	return err
}

func checkEmail(email string) error {
	at := strings.LastIndex(email, "@")
	if email == "" || at > 0 && at < len(email)-1 && len(email) <= 300 && !strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "%q is not a mail address.", atelier.Clip(email, 60)).At("email")
}

// freeEmail refuses an address by which another user is known already.
func freeEmail(ctx context.Context, tx *sqldb.Tx, user User) error {
	if user.Email == "" {
		return nil
	}
	other, err := selectUserByEmail(ctx, tx, user.Email)
	if errors.Is(err, sqldb.ErrNoRows) || err == nil && other.ID == user.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return atelier.Errorf(atelier.Conflict, "The mail address is that of %q already.", other.Name).At("email")
}

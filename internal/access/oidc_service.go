package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// grantLifetime is how long a command line may take to change its code for a token.
const grantLifetime = time.Minute

func (s *Service) keepAttempt(ctx context.Context, a attempt) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		return errors.Join(deleteOldAttempts(ctx, tx, tx.Now()), insertAttempt(ctx, tx, a))
	})
}

// takeAttempt returns the attempt with that state and forgets it: whatever becomes of
// it, it is not tried again.
func (s *Service) takeAttempt(ctx context.Context, stateHash string) (a attempt, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if a, err = selectAttempt(ctx, tx, stateHash); errors.Is(err, sqldb.ErrNoRows) {
			return errSignIn
		}
		if err != nil {
			return err
		}
		mine, err := deleteAttempt(ctx, tx, stateHash)
		if err == nil && !mine {
			return errSignIn
		}
		return err
	})
	if err == nil && !s.clock.Now().Before(a.expiresAt) {
		err = errSignIn
	}
	return a, err
}

// welcome signs in the person of whom the provider has said c.
func (s *Service) welcome(ctx context.Context, config OIDC, a attempt, c claims) (w Welcome, err error) {
	w.ReturnTo, w.Lifetime = a.ask.ReturnTo, oidcSession
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		if w.User, err = s.federated(ctx, tx, config, c); err != nil {
			return err
		}
		if w.User.DisabledAt != nil {
			return atelier.Errorf(atelier.Forbidden, "The user %q is disabled.", w.User.Name).WithHint("Ask an owner of the server.")
		}
		if err := syncGroups(ctx, tx, w.User.ID, c.groups); err != nil {
			return err
		}
		made := credential{id: atelier.NewID(tx.Now()), userID: w.User.ID, createdAt: tx.Now()}
		secret := atelier.NewSecret("")
		made.secretHash = hashSecret(secret)
		if a.ask.Loopback != "" {
			made.kind, made.description, made.expiresAt = kindGrant, a.ask.Challenge, tx.Now().Add(grantLifetime)
			w.Session, w.Loopback = "", a.ask.Loopback+"?"+url.Values{"code": {secret}}.Encode()
		} else {
			made.kind, made.expiresAt = kindSession, tx.Now().Add(oidcSession)
			w.Session = secret
		}
		return errors.Join(deleteExpired(ctx, tx, tx.Now()), insertCredential(ctx, tx, made))
	})
	return w, err
}

// federated returns the user that the provider means: the one it knows by its subject,
// else the one who was invited by a verified mail address, else a new one.
func (s *Service) federated(ctx context.Context, tx *sqldb.Tx, config OIDC, c claims) (User, error) {
	user, err := selectIdentity(ctx, tx, config.Issuer, c.Subject)
	if !errors.Is(err, sqldb.ErrNoRows) {
		return user, err
	}
	if c.Email != "" {
		user, err = selectUserByEmail(ctx, tx, c.Email)
		if err != nil && !errors.Is(err, sqldb.ErrNoRows) {
			return User{}, err
		}
		if err == nil {
			known, err := hasIdentity(ctx, tx, config.Issuer, user.ID)
			if err != nil {
				return User{}, err
			}
			if !known {
				return user, insertIdentity(ctx, tx, config.Issuer, c.Subject, user.ID)
			}
			c.Email = "" // the address is somebody else's here: it was given away anew
		}
	}
	if config.Closed {
		return User{}, atelier.Errorf(atelier.Forbidden, "Nobody invited you to this server.").
			WithHint("Ask an owner of it: `atelier user create NAME --email ADDRESS`.")
	}
	name, err := freeName(ctx, tx, c)
	if err != nil {
		return User{}, err
	}
	user = User{ID: atelier.NewID(tx.Now()), Name: name, Kind: KindPerson, Email: c.Email, ServerRole: ServerUser, CreatedAt: tx.Now()}
	if err := insertUser(ctx, tx, user); err != nil {
		return User{}, err
	}
	return user, insertIdentity(ctx, tx, config.Issuer, c.Subject, user.ID)
}

// freeName finds a name that nobody has: a name is not a proof of who somebody is.
func freeName(ctx context.Context, tx *sqldb.Tx, c claims) (string, error) {
	wanted := "user"
	for _, name := range []string{c.PreferredUsername, c.Email} {
		if checkName("user", name) == nil && len(name) <= 120 {
			wanted = name
			break
		}
	}
	for n := 1; ; n++ {
		name := wanted
		if n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		_, err := selectUser(ctx, tx, name)
		if errors.Is(err, sqldb.ErrNoRows) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
}

// syncGroups puts the user into the teams of their groups, and takes them out of those
// in which they were by a group that they are no longer in.
func syncGroups(ctx context.Context, tx *sqldb.Tx, userID string, groups []string) error {
	teams, err := selectGroupTeams(ctx, tx)
	if err != nil {
		return err
	}
	for id, group := range teams {
		if slices.Contains(groups, group) {
			if err := insertByGroup(ctx, tx, id, userID); err != nil {
				return err
			}
		}
	}
	had, err := selectByGroup(ctx, tx, userID)
	if err != nil {
		return err
	}
	for _, id := range had {
		if !slices.Contains(groups, teams[id]) {
			if _, err := deleteTeamMember(ctx, tx, id, userID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Redeem changes the code that a command line was sent for a personal token, when
// verifier is what its challenge was made of. A code is tried once.
func (s *Service) Redeem(ctx context.Context, code, verifier, description string) (Token, error) {
	var userID string
	good := false
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		found, user, err := selectCredential(ctx, tx, hashSecret(code))
		if errors.Is(err, sqldb.ErrNoRows) || err == nil && found.kind != kindGrant {
			return nil
		}
		if err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(verifier))
		fits := subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(found.description)) == 1
		taken, err := deleteCredential(ctx, tx, hashSecret(code))
		userID = user.ID
		good = taken && fits && user.DisabledAt == nil && tx.Now().Before(found.expiresAt)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	if !good {
		return Token{}, errSignIn
	}
	return s.CreateToken(ctx, userID, strings.TrimSpace(description), 0)
}

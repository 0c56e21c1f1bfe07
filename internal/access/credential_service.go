package access

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// CreateToken makes a personal token for the user, who may do by it all that they
// may. lifetime 0 means DefaultTokenLifetime.
func (s *Service) CreateToken(ctx context.Context, userID, description string, lifetime time.Duration) (Token, error) {
	return s.NewToken(ctx, userID, NewToken{Description: description, Lifetime: lifetime})
}

// NewToken makes a personal token for the user.
func (s *Service) NewToken(ctx context.Context, userID string, ask NewToken) (Token, error) {
	actions, _, err := translate(ask.Actions, "actions", false)
	if err != nil {
		return Token{}, err
	}
	c := credential{kind: kindToken, userID: userID, actions: actions}
	if ask.Workspace != "" {
		c.workspaceID = &ask.Workspace
	}
	token, err := s.issue(ctx, "atl_", c, ask)
	token.Actions = actions
	return token, err
}

// issue makes a credential of which people keep the secret.
func (s *Service) issue(ctx context.Context, prefix string, c credential, ask NewToken) (token Token, err error) {
	if ask.Lifetime == 0 {
		ask.Lifetime = DefaultTokenLifetime
	}
	if ask.Lifetime < 0 || ask.Lifetime > MaxTokenLifetime {
		return Token{}, atelier.Errorf(atelier.Invalid, "A token can last at most %d days.", int(MaxTokenLifetime.Hours()/24)).At("expires_in_days")
	}
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		now := tx.Now()
		token = Token{ID: atelier.NewID(now), Description: atelier.Clip(ask.Description, 200), CreatedAt: now,
			ExpiresAt: now.Add(ask.Lifetime), Secret: atelier.NewSecret(prefix)}
		c.id, c.secretHash, c.description, c.createdAt, c.expiresAt = token.ID, hashSecret(token.Secret), token.Description, now, token.ExpiresAt
		return insertCredential(ctx, tx, c)
	})
	return token, err
}

// Tokens lists the user's personal tokens, newest first, without their secrets.
func (s *Service) Tokens(ctx context.Context, userID string) (tokens []Token, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		tokens, err = selectTokens(ctx, tx, userID, kindToken)
		return err
	})
	return tokens, err
}

// RevokeToken ends one of the user's tokens at once.
func (s *Service) RevokeToken(ctx context.Context, userID, id string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		found, err := deleteToken(ctx, tx, userID, kindToken, id)
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
		user, err = userByName(ctx, tx, name)
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
			(!tx.Now().Before(found.expiresAt) || owner.DisabledAt != nil || found.kind != kindLink && found.kind != kindToken) {
			return refused
		}
		if err != nil {
			return err
		}
		session, user = atelier.NewSecret(""), owner
		made := credential{id: atelier.NewID(tx.Now()), secretHash: hashSecret(session), kind: kindSession,
			userID: owner.ID, createdAt: tx.Now(), expiresAt: tx.Now().Add(SessionLifetime)}
		if found.kind == kindLink {
			if _, err := deleteCredential(ctx, tx, hash); err != nil {
				return err
			}
		} else { // the session is no more than the token, and ends with it
			made.parentID, made.workspaceID, made.actions = &found.id, found.workspaceID, found.actions
			if found.expiresAt.Before(made.expiresAt) {
				made.expiresAt = found.expiresAt
			}
		}
		return insertCredential(ctx, tx, made)
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

package access

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// CreateServicePrincipal adds a program that signs in by itself, with secrets. It is
// a member of nothing yet.
func (s *Service) CreateServicePrincipal(ctx context.Context, name, description string) (User, error) {
	return s.addUser(ctx, User{Name: name, Kind: KindService, Description: description})
}

// servicePrincipal finds a service principal by its name.
func servicePrincipal(ctx context.Context, tx *sqldb.Tx, name string) (User, error) {
	user, err := userByName(ctx, tx, name)
	if err == nil && user.Kind != KindService || atelier.CodeOf(err) == atelier.NotFound {
		return User{}, atelier.Errorf(atelier.NotFound, "There is no service principal %q.", atelier.Clip(name, 60)).
			WithHint("An owner of the server makes them with `atelier service-principal create`.")
	}
	return user, err
}

// ServicePrincipal returns a service principal and its secrets, without what they are.
func (s *Service) ServicePrincipal(ctx context.Context, name string) (user User, secrets []Token, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if user, err = servicePrincipal(ctx, tx, name); err != nil {
			return err
		}
		secrets, err = selectTokens(ctx, tx, user.ID, kindSecret)
		return err
	})
	return user, secrets, err
}

// UpdateServicePrincipal changes a service principal.
func (s *Service) UpdateServicePrincipal(ctx context.Context, name string, u UpdateUser) (User, error) {
	if _, _, err := s.ServicePrincipal(ctx, name); err != nil {
		return User{}, err
	}
	return s.UpdateUser(ctx, name, u)
}

// DeleteServicePrincipal deletes a service principal with its secrets and roles.
func (s *Service) DeleteServicePrincipal(ctx context.Context, name string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		user, err := servicePrincipal(ctx, tx, name)
		if err != nil {
			return err
		}
		n, err := countTasks(ctx, tx, user.ID)
		if err == nil && n > 0 {
			return atelier.Errorf(atelier.Precondition, "%d jobs or deployments run for %q.", n, name).
				WithHint("End them first, or disable it: `atelier service-principal disable`.")
		}
		if err != nil {
			return err
		}
		return deleteUser(ctx, tx, user.ID)
	})
}

// CreateSecret makes one more secret of a service principal. There may be several,
// so that one can take another's place while both are good.
func (s *Service) CreateSecret(ctx context.Context, name, description string, lifetime time.Duration) (Token, error) {
	user, _, err := s.ServicePrincipal(ctx, name)
	if err != nil {
		return Token{}, err
	}
	return s.issue(ctx, "atls_", credential{kind: kindSecret, userID: user.ID}, NewToken{Description: description, Lifetime: lifetime})
}

// DeleteSecret ends a secret at once, and with it the access tokens that were given
// for it.
func (s *Service) DeleteSecret(ctx context.Context, name, id string) error {
	return s.change(ctx, func(tx *sqldb.Tx) error {
		user, err := servicePrincipal(ctx, tx, name)
		if err != nil {
			return err
		}
		found, err := deleteToken(ctx, tx, user.ID, kindSecret, id)
		if err == nil && !found {
			return atelier.Errorf(atelier.NotFound, "The service principal %q has no secret %q.", name, atelier.Clip(id, 60))
		}
		return err
	})
}

// ClientCredentials gives a service principal an access token for one of its secrets:
// OAuth 2's grant of that name (RFC 6749, section 4.4). clientID is its id or its name.
func (s *Service) ClientCredentials(ctx context.Context, clientID, secret string) (token string, lifetime time.Duration, err error) {
	refused := atelier.Errorf(atelier.Unauthenticated, "The client's id or secret is wrong, expired or revoked.")
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		found, user, err := selectCredential(ctx, tx, hashSecret(secret))
		if errors.Is(err, sqldb.ErrNoRows) || err == nil && (found.kind != kindSecret || user.ID != clientID && user.Name != clientID ||
			user.DisabledAt != nil || !tx.Now().Before(found.expiresAt)) {
			return refused
		}
		if err != nil {
			return err
		}
		lifetime = min(AccessLifetime, found.expiresAt.Sub(tx.Now()))
		token = atelier.NewSecret("atla_")
		if err := errors.Join(deleteExpired(ctx, tx, tx.Now()), touchCredential(ctx, tx, found.id)); err != nil {
			return err
		}
		return insertCredential(ctx, tx, credential{id: atelier.NewID(tx.Now()), secretHash: hashSecret(token), kind: kindAccess,
			userID: user.ID, createdAt: tx.Now(), expiresAt: tx.Now().Add(lifetime), parentID: &found.id})
	})
	return token, lifetime, err
}

package vault

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Service keeps the secrets of workspaces. Who set and who was given which secret
// is kept with it and said in the server's log; no value ever is.
type Service struct {
	db     *sqldb.DB
	vault  *Vault
	access *access.Service
	log    *slog.Logger
}

// New returns the service over db, whose secrets v seals.
func New(db *sqldb.DB, v *Vault, who *access.Service, log *slog.Logger) *Service {
	return &Service{db: db, vault: v, access: who, log: log}
}

// Set gives a secret a value, making the secret where there is none.
func (s *Service) Set(ctx context.Context, ws, name string, ask SetSecret) (made Secret, err error) {
	if err := CheckSecretName(name); err != nil {
		return made, err
	}
	switch {
	case len(ask.Value) < minValue:
		return made, atelier.Errorf(atelier.Invalid, "The value has %d bytes; one of fewer than %d could not be kept out of logs.", len(ask.Value), minValue).At("value")
	case len(ask.Value) > maxValue:
		return made, atelier.Errorf(atelier.Invalid, "The value has %d bytes, more than %d.", len(ask.Value), maxValue).At("value")
	case strings.ContainsRune(ask.Value, 0) || !utf8.ValidString(ask.Value):
		return made, atelier.Errorf(atelier.Invalid, "The value is not text, and no variable can hold it.").At("value").
			WithHint("Encode it, as with `base64`.")
	}
	actor, _ := atelier.ActorFrom(ctx)
	sealed := s.vault.Seal([]byte(ask.Value))
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := setSecret(ctx, tx, ws, name, sealed, actor.Name); err != nil {
			return err
		}
		made, err = selectSecret(ctx, tx, ws, name)
		return err
	})
	if err == nil {
		s.log.Info("a secret was set", "workspace", ws, "secret", name, "version", made.Version, "by", actor.Name)
	}
	return made, err
}

// List returns the workspace's secrets by name.
func (s *Service) List(ctx context.Context, ws string) (all []Secret, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		all, err = selectSecrets(ctx, tx, ws)
		return err
	})
	return all, err
}

// Get returns one secret.
func (s *Service) Get(ctx context.Context, ws, name string) (found Secret, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err = selectSecret(ctx, tx, ws, name)
		return err
	})
	return found, err
}

// Delete forgets a secret. Jobs that run keep what they were given.
func (s *Service) Delete(ctx context.Context, ws, name string) error {
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := selectSecret(ctx, tx, ws, name); err != nil {
			return err
		}
		_, err := deleteSecret(ctx, tx, ws, name)
		return err
	})
	if err == nil {
		actor, _ := atelier.ActorFrom(ctx)
		s.log.Info("a secret was deleted", "workspace", ws, "secret", name, "by", actor.Name)
	}
	return err
}

// Check returns the names of the secrets that variables refer to. It refuses names
// that no secret has, and secrets for somebody who may use none.
func (s *Service) Check(ctx context.Context, ws string, variables map[string]string) ([]string, error) {
	names := Named(variables)
	if len(names) == 0 {
		return nil, nil
	}
	actor, _ := atelier.ActorFrom(ctx)
	if err := s.access.Authorize(ctx, actor, ws, UsePermission); err != nil {
		return nil, atelier.Public(err).At(place(variables, names[0]))
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for _, name := range names {
			if err := CheckSecretName(name); err != nil {
				return atelier.Public(err).At(place(variables, name))
			}
			if _, err := selectSecret(ctx, tx, ws, name); err != nil {
				return atelier.Public(err).At(place(variables, name))
			}
		}
		return nil
	})
	return names, err
}

// place is the variable that refers to a secret.
func place(variables map[string]string, secret string) string {
	var found []string
	for name, value := range variables {
		if slices.Contains(Named(map[string]string{name: value}), secret) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return "environment_variables." + found[0]
}

// Use is a task that is given secrets, in somebody's name.
type Use struct {
	Kind, Task string // "job" and its name
	User       atelier.Actor
}

// Reveal returns the values of secrets for a task. Whoever it works for must still
// be allowed to use them.
func (s *Service) Reveal(ctx context.Context, ws string, names []string, use Use) (map[string]string, error) {
	values := map[string]string{}
	if len(names) == 0 {
		return values, nil
	}
	if err := s.access.Authorize(ctx, use.User, ws, UsePermission); err != nil {
		return nil, err
	}
	by := use.Kind + " " + use.Task + " of " + use.User.Name
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		for _, name := range names {
			found, err := selectSecret(ctx, tx, ws, name)
			if err != nil {
				return err
			}
			value, err := s.vault.Unseal(found.sealed)
			if err != nil {
				return atelier.Errorf(atelier.Precondition, "The secret %q cannot be opened: it was sealed with another key, or is damaged.", name).
					WithHint("Put the vault's key back, or set the secret anew.")
			}
			values[name] = string(value)
			if err := noteUse(ctx, tx, ws, name, by, tx.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.log.Info("secrets were given to a task", "workspace", ws, "secrets", names, use.Kind, use.Task, "of", use.User.Name)
	return values, nil
}

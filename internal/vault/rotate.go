package vault

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Sealed calls visit with every text of one capability that the vault sealed, of
// all workspaces, and keeps what visit returns in its place.
type Sealed func(ctx context.Context, tx *sqldb.Tx, visit func(sealed string) (string, error)) error

// Keeper looks after the key: it knows all that is sealed with it.
type Keeper struct {
	db     *sqldb.DB
	vault  *Vault
	sealed []Sealed
}

// Open opens the vault whose keys provider has, and returns its keeper, too. It
// makes the first key, where there is nothing yet for an earlier one to open.
// sealed are all who have texts sealed.
func Open(ctx context.Context, db *sqldb.DB, provider KeyProvider, sealed ...Sealed) (*Vault, *Keeper, error) {
	v := &Vault{provider: provider}
	k := &Keeper{db: db, vault: v, sealed: sealed}
	stored, err := provider.Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	if v.keys, err = split(stored); err != nil {
		return nil, nil, atelier.Errorf(atelier.Precondition, "The vault's key in %s is damaged: it must be 32 bytes, or several keys of 32 bytes each.", provider).
			WithHint("Put the key back from a backup; nothing was changed.")
	}
	if len(v.keys) > 0 {
		return v, k, nil
	}
	s, err := k.Status(ctx)
	if err == nil && s.Sealed > 0 {
		err = atelier.Errorf(atelier.Precondition, "The vault's key %s is missing, and %d secrets and credentials are sealed with it.",
			s.Provider, s.Sealed).WithHint("Put it back from a backup. If it is lost for good, put 32 new random bytes there, " +
			"and set the secrets anew: nothing else opens them.")
	}
	if err == nil {
		err = v.addKey(ctx, 0)
	}
	return v, k, err
}

// Status says how the vault is.
type Status struct {
	Provider   string `json:"provider" doc:"Where the key is."`
	Keys       int    `json:"keys" doc:"The newest seals. The one before it is kept until the next rotation."`
	Sealed     int    `json:"sealed" doc:"How many texts the vault has sealed."`
	Unreadable int    `json:"unreadable" doc:"How many of them no key opens."`
}

// Status counts what is sealed.
func (k *Keeper) Status(ctx context.Context) (s Status, err error) {
	err = k.db.Read(ctx, func(tx *sqldb.Tx) error {
		s, _, err = k.look(ctx, tx)
		return err
	})
	return s, err
}

// look counts, and returns how many keys are in use.
func (k *Keeper) look(ctx context.Context, tx *sqldb.Tx) (s Status, used int, err error) {
	k.vault.mu.RLock()
	s = Status{Provider: k.vault.provider.String(), Keys: len(k.vault.keys)}
	k.vault.mu.RUnlock()
	err = k.each(ctx, tx, func(sealed string) (string, error) {
		s.Sealed++
		_, at, err := k.vault.unseal(sealed)
		if err != nil {
			s.Unreadable++
		} else {
			used = max(used, at+1)
		}
		return sealed, nil
	})
	return s, used, err
}

func (k *Keeper) each(ctx context.Context, tx *sqldb.Tx, visit func(sealed string) (string, error)) error {
	for _, sealed := range k.sealed {
		if err := sealed(ctx, tx, visit); err != nil {
			return err
		}
	}
	return nil
}

// Rotate makes a new key and seals everything anew with it. The key before it
// stays for what was being sealed at that moment; older ones go, unless something
// still needs them.
func (k *Keeper) Rotate(ctx context.Context) (s Status, err error) {
	used := 0
	err = k.db.Read(ctx, func(tx *sqldb.Tx) error {
		_, used, err = k.look(ctx, tx)
		return err
	})
	if err != nil {
		return s, err
	}
	if err := k.vault.addKey(ctx, max(used, 1)); err != nil {
		return s, err
	}
	err = k.db.Write(ctx, func(tx *sqldb.Tx) error {
		return k.each(ctx, tx, func(sealed string) (string, error) {
			plain, at, err := k.vault.unseal(sealed)
			if err != nil || at == 0 {
				return sealed, nil // what no key opens is left as it is: the right one may come back
			}
			return k.vault.Seal(plain), nil
		})
	})
	if err != nil {
		return s, err
	}
	return k.Status(ctx)
}

package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// bench is the secrets of two workspaces, with their owner and a member who may
// only look.
type bench struct {
	*testing.T
	db            *sqldb.DB
	who           *access.Service
	key           string // the key's file
	log           bytes.Buffer
	ws, other     string
	owner, reader atelier.Actor
}

func newBench(t *testing.T, db *sqldb.DB) *bench {
	b := &bench{T: t, db: db, key: filepath.Join(t.TempDir(), "keys", "vault.key"), who: access.New(db, clock.System{})}
	owner, _, err := b.who.Bootstrap(t.Context(), "ada")
	b.must(err)
	b.owner = atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name}
	workspaces := workspace.New(db, b.who, event.NewBus())
	for name, id := range map[string]*string{"first": &b.ws, "second": &b.other} {
		made, err := workspaces.Create(b.as(b.owner), workspace.Create{Name: name})
		b.must(err)
		*id = made.ID
	}
	reader, err := b.who.CreateUser(t.Context(), "eve")
	b.must(err)
	_, err = b.who.SetMember(b.as(b.owner), b.ws, "eve", access.Reader)
	b.must(err)
	b.reader = atelier.Actor{Kind: atelier.User, ID: reader.ID, Name: reader.Name}
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) as(actor atelier.Actor) context.Context {
	return atelier.WithActor(b.Context(), actor)
}

// open starts the service, as a server does.
func (b *bench) open() (*vault.Service, *vault.Keeper) {
	b.Helper()
	v, keeper, err := vault.Open(b.Context(), b.db, vault.File(b.key), vault.SealedSecrets)
	b.must(err)
	return vault.New(b.db, v, b.who, slog.New(slog.NewTextHandler(&b.log, nil))), keeper
}

func (b *bench) set(s *vault.Service, name, value string) {
	b.Helper()
	_, err := s.Set(b.as(b.owner), b.ws, name, vault.SetSecret{Value: value})
	b.must(err)
}

func (b *bench) reveal(s *vault.Service, name string) string {
	b.Helper()
	values, err := s.Reveal(b.Context(), b.ws, []string{name}, vault.Use{Kind: "job", Task: "j1", User: b.owner})
	b.must(err)
	return values[name]
}

// unreadable counts what no key opens.
func (b *bench) unreadable(k *vault.Keeper) int {
	b.Helper()
	status, err := k.Status(b.Context())
	b.must(err)
	return status.Unreadable
}

func TestSecretsAreGivenByName(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		b := newBench(t, db)
		s, _ := b.open()
		b.set(s, "token", "hunter2")
		b.set(s, "token", "hunter3")
		again, _ := b.open()
		if got := b.reveal(again, "token"); got != "hunter3" {
			t.Errorf("after a restart it is %q", got)
		}
		found, err := s.Get(b.as(b.owner), b.ws, "token")
		if err != nil || found.Version != 2 || found.UsedBy != "job j1 of ada" || found.UsedAt == nil || found.UpdatedBy != "ada" {
			t.Errorf("%+v, %v", found, err)
		}
		if text := b.log.String(); strings.Contains(text, "hunter") || !strings.Contains(text, "token") {
			t.Errorf("the server's log says %s", text)
		}
		if _, err := s.Get(b.as(b.owner), b.other, "token"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("another workspace sees it: %v", err)
		}
		if err := s.Delete(b.as(b.owner), b.other, "token"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("another workspace deletes it: %v", err)
		}
		b.must(s.Delete(b.as(b.owner), b.ws, "token"))
		if all, err := s.List(b.as(b.owner), b.ws); err != nil || len(all) != 0 {
			t.Errorf("deleted, there are %v, %v", all, err)
		}
		_, err = s.Reveal(t.Context(), b.ws, []string{"token"}, vault.Use{Kind: "job", Task: "j1", User: b.owner})
		if atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("a deleted one is given: %v", err)
		}
	})
}

func TestWhoMayUseSecrets(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	s, _ := b.open()
	b.set(s, "token", "hunter2")
	variables := map[string]string{"B": "x ${{ secrets.token }}", "A": "plain"}
	names, err := s.Check(b.as(b.owner), b.ws, variables)
	if err != nil || len(names) != 1 || names[0] != "token" {
		t.Errorf("%v, %v", names, err)
	}
	_, err = s.Check(b.as(b.reader), b.ws, variables)
	if public := atelier.Public(err); public.Code != atelier.Forbidden || public.Field != "environment_variables.B" {
		t.Errorf("a reader's job: %v", err)
	}
	if _, err := s.Reveal(t.Context(), b.ws, names, vault.Use{Kind: "job", Task: "j", User: b.reader}); atelier.CodeOf(err) != atelier.Forbidden {
		t.Errorf("somebody whose right was taken away: %v", err)
	}
	_, err = s.Check(b.as(b.owner), b.ws, map[string]string{"C": "${{secrets.gone}}"})
	if public := atelier.Public(err); public.Code != atelier.NotFound || public.Field != "environment_variables.C" {
		t.Errorf("a missing one: %v", err)
	}
}

func TestHostileNamesAndValues(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	s, _ := b.open()
	for _, name := range []string{"", "../x", "a b", "a.b", "-a", "a\n", "ä", strings.Repeat("a", 128), "${{secrets.x}}", "a;b", "a'b"} {
		if _, err := s.Set(b.as(b.owner), b.ws, name, vault.SetSecret{Value: "hunter2"}); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("the name %q: %v", name, err)
		}
		if _, err := s.Check(b.as(b.owner), b.ws, map[string]string{"A": "${{secrets." + name + "}}"}); name != "${{secrets.x}}" && err == nil {
			t.Errorf("a reference to %q was accepted", name)
		}
	}
	for _, value := range []string{"", "abc", strings.Repeat("a", 24<<10+1), "a\x00bcd", "\xff\xfe\xfd\xfc"} {
		_, err := s.Set(b.as(b.owner), b.ws, "x", vault.SetSecret{Value: value})
		if atelier.CodeOf(err) != atelier.Invalid || len(value) > 3 && strings.Contains(err.Error(), value) {
			t.Errorf("the value %.20q: %v", value, err)
		}
	}
}

func TestKeysAreRotated(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		b := newBench(t, db)
		s, keeper := b.open()
		b.set(s, "old", "hunter2")
		before, err := os.ReadFile(b.key)
		b.must(err)
		for range 3 {
			status, err := keeper.Rotate(t.Context())
			if err != nil || status.Keys != 2 || status.Sealed != 1 || status.Unreadable != 0 {
				t.Fatalf("%+v, %v", status, err)
			}
		}
		after, err := os.ReadFile(b.key)
		b.must(err)
		if len(after) != 64 || bytes.Contains(after, before) {
			t.Errorf("the first key is still among %d bytes", len(after))
		}
		again, _ := b.open()
		if b.reveal(s, "old") != "hunter2" || b.reveal(again, "old") != "hunter2" {
			t.Error("the secret is not what it was")
		}
		b.must(os.WriteFile(b.key, after[:32], 0o600)) // the newest key is enough
		if again, _ := b.open(); b.reveal(again, "old") != "hunter2" {
			t.Error("it is still sealed with an older key")
		}
	})
}

// TestAWrongKeyLosesNothing puts another key in the place of the right one, takes
// it away, and puts the right one back.
func TestAWrongKeyLosesNothing(t *testing.T) {
	b := newBench(t, sqldbtest.SQLite(t, clock.System{}))
	s, _ := b.open()
	b.set(s, "token", "hunter2")
	right, err := os.ReadFile(b.key)
	b.must(err)
	wrong := make([]byte, 32)
	rand.Read(wrong)
	b.must(os.WriteFile(b.key, wrong, 0o600))
	s, keeper := b.open()
	if n := b.unreadable(keeper); n != 1 {
		t.Errorf("%d texts are unreadable", n)
	}
	_, err = s.Reveal(t.Context(), b.ws, []string{"token"}, vault.Use{User: b.owner})
	if atelier.CodeOf(err) != atelier.Precondition || !strings.Contains(err.Error(), `"token" cannot be opened`) {
		t.Errorf("with a wrong key: %v", err)
	}
	b.set(s, "new", "hunter3")
	if _, err := keeper.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	rotated, err := os.ReadFile(b.key)
	b.must(err)
	b.must(os.WriteFile(b.key, append(rotated, right...), 0o600)) // all keys together open all
	s, keeper = b.open()
	if b.unreadable(keeper) != 0 || b.reveal(s, "token") != "hunter2" || b.reveal(s, "new") != "hunter3" {
		t.Error("something was lost")
	}

	b.must(os.Remove(b.key))
	_, _, err = vault.Open(t.Context(), b.db, vault.File(b.key), vault.SealedSecrets)
	if atelier.CodeOf(err) != atelier.Precondition || !strings.Contains(err.Error(), b.key) || !strings.Contains(err.Error(), "2 secrets") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := os.Stat(b.key); err == nil {
		t.Error("a new key was made in its place")
	}
	for _, damaged := range [][]byte{nil, right[:31], append(right, 1)} {
		b.must(os.WriteFile(b.key, damaged, 0o600))
		if _, _, err := vault.Open(t.Context(), b.db, vault.File(b.key), vault.SealedSecrets); err == nil {
			t.Errorf("a key of %d bytes was taken", len(damaged))
		}
	}
}

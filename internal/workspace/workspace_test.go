package workspace_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// start returns the service and a context in which the owner asks.
func start(t *testing.T, db *sqldb.DB) (*workspace.Service, context.Context) {
	t.Helper()
	who := access.New(db, clock.System{})
	owner, _, err := who.Bootstrap(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	service := workspace.New(db, who, event.NewBus())
	if err := service.EnsureDefault(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	return service, atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name})
}

func TestLifeOfAWorkspace(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		service, ctx := start(t, db)
		made, err := service.Create(ctx, workspace.Create{Name: "vision", Tags: map[string]string{"team": "a"}})
		if err != nil || made.DisplayName != "vision" || made.CreatedBy != "ada" {
			t.Fatalf("create: %+v, %v", made, err)
		}
		if _, err := service.Create(ctx, workspace.Create{Name: "vision"}); atelier.CodeOf(err) != atelier.Conflict {
			t.Errorf("the name was taken: %v", err)
		}
		for _, name := range []string{"", "a", "-a", "a b", "../x", "a/b", "abcdefghijabcdefghijabcdefghijabcd", "naïve"} {
			if _, err := service.Create(ctx, workspace.Create{Name: name}); atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("name %q: %v, want invalid", name, err)
			}
		}
		text := "Pictures"
		changed, err := service.Update(ctx, "vision", workspace.Update{Description: &text})
		if err != nil || changed.Description != text || changed.Tags["team"] != "a" {
			t.Errorf("update: %+v, %v", changed, err)
		}
		all, err := service.List(ctx)
		if err != nil || len(all) != 2 || all[0].Name != workspace.Default {
			t.Errorf("list: %+v, %v", all, err)
		}
		found, err := service.Get(ctx, "vision")
		if diff := cmp.Diff(changed, found); err != nil || diff != "" {
			t.Errorf("get: %v\n%s", err, diff)
		}
		if _, err := service.Delete(ctx, "vision"); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"vision", "nothing"} {
			if _, err := service.Delete(ctx, name); atelier.CodeOf(err) != atelier.NotFound {
				t.Errorf("delete %s: %v, want not found", name, err)
			}
		}
		if _, err := service.Delete(ctx, workspace.Default); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("the default workspace: %v", err)
		}
	})
}

func TestGuardsKeepAWorkspace(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		service, ctx := start(t, db)
		if _, err := service.Create(ctx, workspace.Create{Name: "busy"}); err != nil {
			t.Fatal(err)
		}
		service.GuardDeletion(func(context.Context, *sqldb.Tx, string) error {
			return atelier.Errorf(atelier.Precondition, "2 jobs are running in it.")
		})
		if _, err := service.Delete(ctx, "busy"); atelier.CodeOf(err) != atelier.Precondition {
			t.Errorf("deleted under running jobs: %v", err)
		}
		if _, err := service.Get(ctx, "busy"); err != nil {
			t.Errorf("it is gone: %v", err)
		}
	})
}

// Two servers work on one database: what one changes, the other hears a little later.
func TestAnotherServersChangesAreSeen(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	sqldbtest.EachAt(t, clk, func(t *testing.T, db *sqldb.DB) {
		service, ctx := start(t, db)
		if _, err := service.Create(ctx, workspace.Create{Name: "vision"}); err != nil {
			t.Fatal(err)
		}
		if _, err := service.Get(ctx, "vision"); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(ctx, func(tx *sqldb.Tx) error { // which tells nobody here
			_, err := tx.Exec(ctx, `DELETE FROM workspaces WHERE name = $1`, "vision")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		clk.Advance(time.Minute)
		if _, err := service.Get(ctx, "vision"); atelier.CodeOf(err) != atelier.NotFound {
			t.Errorf("a workspace that another server deleted: %v", err)
		}
	})
}

package access_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// expectRole asks whether the actor may read runs in the workspace.
func expectRole(t *testing.T, who *access.Service, actor atelier.Actor, ws string, want atelier.Code) {
	t.Helper()
	if err := who.Authorize(t.Context(), actor, ws, "experiments/runs/read"); atelier.CodeOf(err) != want {
		t.Errorf("authorize: %v, want code %q", err, want)
	}
}

// Roles and tokens are remembered, but not beyond what changes them.
func TestWhatIsTakenAwayIsGoneAtOnce(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		who := access.New(db, clock.System{})
		workspaces := workspace.New(db, who, event.NewBus())
		owner, _, err := who.Bootstrap(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		ctx := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID})
		ws, err := workspaces.Create(ctx, workspace.Create{Name: "ours"})
		if err != nil {
			t.Fatal(err)
		}
		user, err := who.CreateUser(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		bob := atelier.Actor{Kind: atelier.User, ID: user.ID, Name: user.Name}
		for range 3 {
			expectRole(t, who, bob, ws.ID, atelier.NotFound)
			if _, err := who.SetMember(ctx, ws.ID, "bob", access.ComputeOperator); err != nil {
				t.Fatal(err)
			}
			expectRole(t, who, bob, ws.ID, atelier.Forbidden)
			if _, err := who.SetMember(ctx, ws.ID, "bob", access.Reader); err != nil {
				t.Fatal(err)
			}
			expectRole(t, who, bob, ws.ID, "")
			if err := who.RemoveMember(ctx, ws.ID, "bob"); err != nil {
				t.Fatal(err)
			}
		}
		expectRole(t, who, bob, ws.ID, atelier.NotFound)

		var secret string
		err = db.Write(t.Context(), func(tx *sqldb.Tx) (err error) {
			secret, err = who.IssueTaskToken(t.Context(), tx, access.TaskToken{Workspace: ws.ID, Task: "job-1",
				Kind: atelier.JobActor, UserID: owner.ID, ExpiresAt: tx.Now().Add(time.Hour)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := who.Authenticate(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), func(tx *sqldb.Tx) error {
			if err := who.RevokeTask(t.Context(), tx, ws.ID, "job-1"); err != nil {
				return err
			}
			_, err := who.Authenticate(t.Context(), secret) // a request that comes before the commit
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := who.Authenticate(t.Context(), secret); atelier.CodeOf(err) != atelier.Unauthenticated {
			t.Errorf("the token of a task that ended: %v", err)
		}
	})
}

// Another server on the same database learns of a change within seconds.
func TestAnotherServerForgetsSoon(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	path := filepath.Join(t.TempDir(), "atelier.db")
	var servers [2]*access.Service
	for i := range servers {
		db, err := sqldb.Open(t.Context(), path, clk)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		servers[i] = access.New(db, clk)
	}
	owner, _, err := servers[0].Bootstrap(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	token, err := servers[0].CreateToken(t.Context(), owner.ID, "laptop", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := servers[1].Authenticate(t.Context(), token.Secret); err != nil {
		t.Fatal(err)
	}
	if err := servers[0].RevokeToken(t.Context(), owner.ID, token.ID); err != nil {
		t.Fatal(err)
	}
	clk.Advance(5 * time.Second)
	if _, err := servers[1].Authenticate(t.Context(), token.Secret); atelier.CodeOf(err) != atelier.Unauthenticated {
		t.Errorf("a revoked token works on the other server: %v", err)
	}
}

package access_test

import (
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

func TestRolesAllow(t *testing.T) {
	cases := []struct {
		permission atelier.Permission
		allowed    []string
	}{
		{"jobs/read", []string{access.Owner, access.Contributor, access.DataScientist, access.Reader}},
		{"jobs/write", []string{access.Owner, access.Contributor, access.DataScientist}},
		{"endpoints/online/listKeys/action", []string{access.Owner, access.Contributor, access.DataScientist}},
		{"computes/write", []string{access.Owner, access.Contributor, access.ComputeOperator}},
		{"workspaces/delete", []string{access.Owner, access.Contributor}},
		{"members/write", []string{access.Owner}},
		{"tasks/report/action", nil},
	}
	for _, c := range cases {
		var got []string
		for _, role := range access.BuiltInRoles() {
			if role.Allows(c.permission) {
				got = append(got, role.Name)
			}
		}
		if len(got) != len(c.allowed) {
			t.Errorf("%s: allowed to %v, want %v", c.permission, got, c.allowed)
			continue
		}
		for i := range got {
			if got[i] != c.allowed[i] {
				t.Errorf("%s: allowed to %v, want %v", c.permission, got, c.allowed)
			}
		}
	}
}

// A link works once; a token works until it is revoked or expires, and at once
// no longer.
func TestCredentials(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	sqldbtest.EachAt(t, clk, func(t *testing.T, db *sqldb.DB) {
		who := access.New(db, clk)
		owner, secret, err := who.Bootstrap(t.Context(), "ada")
		if err != nil || secret == "" {
			t.Fatalf("first start: %v", err)
		}
		if _, again, err := who.Bootstrap(t.Context(), "eve"); err != nil || again != "" {
			t.Fatalf("second start made another owner: %q %v", again, err)
		}
		expect := func(secret string, want atelier.Code) {
			t.Helper()
			if _, err := who.Authenticate(t.Context(), secret); atelier.CodeOf(err) != want {
				t.Errorf("authenticate: %v, want code %q", err, want)
			}
		}
		expect(secret, "")
		expect("", atelier.Unauthenticated)
		expect("atl_guess", atelier.Unauthenticated)

		code, _, err := who.CreateLink(t.Context(), owner.ID)
		if err != nil {
			t.Fatal(err)
		}
		expect(code, atelier.Unauthenticated) // a link is no token
		session, user, err := who.SignIn(t.Context(), code)
		if err != nil || user.Name != "ada" || user.CreatedAt.IsZero() {
			t.Fatalf("sign in: %v", err)
		}
		expect(session, "")
		if _, _, err := who.SignIn(t.Context(), code); atelier.CodeOf(err) != atelier.Unauthenticated {
			t.Errorf("a link worked twice: %v", err)
		}

		token, err := who.CreateToken(t.Context(), owner.ID, "laptop", 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		expect(token.Secret, "")
		if err := who.RevokeToken(t.Context(), owner.ID, token.ID); err != nil {
			t.Fatal(err)
		}
		expect(token.Secret, atelier.Unauthenticated)

		short, err := who.CreateToken(t.Context(), owner.ID, "short", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		expect(short.Secret, "")
		clk.Advance(time.Hour)
		expect(short.Secret, atelier.Unauthenticated)
	})
}

func TestTasksStayInTheirWorkspace(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		who := access.New(db, clock.System{})
		workspaces := workspace.New(db, who, event.NewBus())
		owner, _, err := who.Bootstrap(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		ctx := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name})
		mine, err := workspaces.Create(ctx, workspace.Create{Name: "mine"})
		if err != nil {
			t.Fatal(err)
		}
		other, err := workspaces.Create(ctx, workspace.Create{Name: "other"})
		if err != nil {
			t.Fatal(err)
		}
		var secret string
		err = db.Write(ctx, func(tx *sqldb.Tx) (err error) {
			secret, err = who.IssueTaskToken(ctx, tx, access.TaskToken{Workspace: mine.ID, Task: "job-1",
				Kind: atelier.JobActor, UserID: owner.ID, ExpiresAt: tx.Now().Add(time.Hour)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		actor, err := who.Authenticate(ctx, secret)
		if err != nil || actor.ID != "job-1" || actor.Kind != atelier.JobActor {
			t.Fatalf("authenticate: %+v %v", actor, err)
		}
		for _, c := range []struct {
			workspace  string
			permission atelier.Permission
			want       atelier.Code
		}{
			{mine.ID, "experiments/runs/write", ""},
			{mine.ID, "tasks/report/action", ""},
			{mine.ID, "jobs/write", atelier.Forbidden},
			{mine.ID, "endpoints/online/listKeys/action", atelier.Forbidden},
			{mine.ID, "members/read", atelier.Forbidden},
			{other.ID, "jobs/read", atelier.NotFound},
		} {
			if err := who.Authorize(ctx, actor, c.workspace, c.permission); atelier.CodeOf(err) != c.want {
				t.Errorf("%s: %v, want code %q", c.permission, err, c.want)
			}
		}
	})
}

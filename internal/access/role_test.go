package access_test

import (
	"context"
	"sync"
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

// house is a server with an owner, a workspace of hers and some users.
type house struct {
	*testing.T
	who   *access.Service
	clock *clock.Fake
	ws    string
	users map[string]access.User
}

func eachHouse(t *testing.T, test func(h *house)) {
	clk := clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	sqldbtest.EachAt(t, clk, func(t *testing.T, db *sqldb.DB) {
		h := &house{T: t, who: access.New(db, clk), clock: clk, users: map[string]access.User{}}
		workspaces := workspace.New(db, h.who, event.NewBus())
		owner, _, err := h.who.Bootstrap(t.Context(), "ada")
		h.must(err)
		h.users["ada"] = owner
		ws, err := workspaces.Create(h.as("ada"), workspace.Create{Name: "ours"})
		h.must(err)
		h.ws = ws.ID
		for _, name := range []string{"bob", "eve", "mina"} {
			h.users[name], err = h.who.CreateUser(t.Context(), name)
			h.must(err)
		}
		test(h)
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) want(err error, code atelier.Code) {
	h.Helper()
	if atelier.CodeOf(err) != code {
		h.Errorf("%v, want code %q", err, code)
	}
}

func (h *house) actor(name string) atelier.Actor {
	return atelier.Actor{Kind: atelier.User, ID: h.users[name].ID, Name: name}
}

func (h *house) as(name string) context.Context {
	return atelier.WithActor(h.Context(), h.actor(name))
}

func (h *house) give(name, role string) {
	h.Helper()
	_, err := h.who.SetMember(h.as("ada"), h.ws, name, role)
	h.must(err)
}

// may tells what code somebody meets who wants to do something.
func (h *house) may(name string, p atelier.Permission, want atelier.Code) {
	h.Helper()
	if err := h.who.Authorize(h.Context(), h.actor(name), h.ws, p); atelier.CodeOf(err) != want {
		h.Errorf("%s %s: %v, want code %q", name, p, err, want)
	}
}

func TestCustomRolesAreForAllWhoHaveThem(t *testing.T) {
	eachHouse(t, func(h *house) {
		d := access.Definition{Name: "Runner", Actions: []string{"*/read", "jobs/*"}, NotActions: []string{"jobs/delete"}}
		role, err := h.who.CreateRole(h.as("ada"), h.ws, d)
		h.must(err)
		if !role.Custom || role.CreatedBy != "ada" || role.CreatedAt == nil {
			t.Errorf("%+v", role)
		}
		_, err = h.who.CreateRole(h.as("ada"), h.ws, access.Definition{Name: "RUNNER", Actions: []string{"*"}})
		h.want(err, atelier.Conflict)
		h.give("bob", "runner")
		h.may("bob", "jobs/write", "")
		h.may("bob", "jobs/delete", atelier.Forbidden)
		_, err = h.who.UpdateRole(h.as("ada"), h.ws, "runner", access.Definition{Actions: []string{"jobs/read"}})
		h.must(err)
		h.may("bob", "jobs/write", atelier.Forbidden)
		h.want(h.who.DeleteRole(h.as("ada"), h.ws, "Runner"), atelier.Precondition)
		h.want(h.who.DeleteRole(h.as("ada"), h.ws, "Reader"), atelier.Precondition)
		h.must(h.who.Unassign(h.as("ada"), h.ws, "bob", "Runner"))
		h.may("bob", "jobs/read", atelier.NotFound)
		h.must(h.who.DeleteRole(h.as("ada"), h.ws, "Runner"))
		_, err = h.who.SetMember(h.as("ada"), h.ws, "bob", "Runner")
		h.want(err, atelier.Invalid)
	})
}

// Whoever may give roles gives, changes and takes none that is more than their own.
func TestNobodyClimbs(t *testing.T) {
	eachHouse(t, func(h *house) {
		_, err := h.who.CreateRole(h.as("ada"), h.ws, access.Definition{Name: "Host", Actions: []string{"*/read", "members/*", "roles/*"}})
		h.must(err)
		_, err = h.who.CreateRole(h.as("ada"), h.ws, access.Definition{Name: "Boss", Actions: []string{"*"}})
		h.must(err)
		h.give("bob", "Host")
		h.give("eve", access.Contributor)
		for _, role := range []string{access.Owner, access.Contributor, "Boss"} {
			_, err = h.who.SetMember(h.as("bob"), h.ws, "bob", role)
			h.want(err, atelier.Forbidden)
			_, err = h.who.Assign(h.as("bob"), h.ws, "mina", role)
			h.want(err, atelier.Forbidden)
		}
		_, err = h.who.CreateRole(h.as("bob"), h.ws, access.Definition{Name: "Mine", Actions: []string{"jobs/*"}})
		h.want(err, atelier.Forbidden)
		_, err = h.who.UpdateRole(h.as("bob"), h.ws, "Host", access.Definition{Actions: []string{"*"}})
		h.want(err, atelier.Forbidden)
		_, err = h.who.UpdateRole(h.as("bob"), h.ws, "Boss", access.Definition{Actions: []string{"*/read"}})
		h.want(err, atelier.Forbidden)
		h.want(h.who.DeleteRole(h.as("bob"), h.ws, "Boss"), atelier.Forbidden)
		_, err = h.who.SetMember(h.as("bob"), h.ws, "eve", access.Reader) // takes Contributor away
		h.want(err, atelier.Forbidden)
		h.want(h.who.RemoveMember(h.as("bob"), h.ws, "ada"), atelier.Forbidden)
		_, err = h.who.SetMember(h.as("bob"), h.ws, "mina", access.Reader)
		h.must(err)
		h.may("mina", "jobs/read", "")
		_, err = h.who.SetMember(h.Context(), h.ws, "mina", access.Reader) // nobody
		h.want(err, atelier.Unauthenticated)
	})
}

func TestAWorkspaceKeepsAnOwner(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.want(h.who.RemoveMember(h.as("ada"), h.ws, "ada"), atelier.Precondition)
		_, err := h.who.SetMember(h.as("ada"), h.ws, "ada", access.Reader)
		h.want(err, atelier.Precondition)
		h.want(h.who.Unassign(h.as("ada"), h.ws, "ada", access.Owner), atelier.Precondition)
		h.give("bob", access.Owner)
		var group sync.WaitGroup
		errs := make([]error, 2)
		for i, name := range []string{"ada", "bob"} { // each takes itself away
			group.Go(func() { errs[i] = h.who.RemoveMember(h.as(name), h.ws, name) })
		}
		group.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("both or none went: %v", errs)
		}
	})
}

func TestTheServerKeepsAnOwner(t *testing.T) {
	eachHouse(t, func(h *house) {
		user, yes, owner := access.ServerUser, true, access.ServerOwner
		_, err := h.who.UpdateUser(h.as("ada"), "ada", access.UpdateUser{ServerRole: &user})
		h.want(err, atelier.Precondition)
		_, err = h.who.UpdateUser(h.as("ada"), "ada", access.UpdateUser{Disabled: &yes})
		h.want(err, atelier.Precondition)
		_, err = h.who.UpdateUser(h.as("ada"), "bob", access.UpdateUser{ServerRole: &owner})
		h.must(err)
		_, err = h.who.UpdateUser(h.as("ada"), "ada", access.UpdateUser{Disabled: &yes})
		h.must(err)
		h.may("bob", "members/write", "")
		h.may("ada", "jobs/read", atelier.NotFound)
		h.want(h.who.AuthorizeServer(h.Context(), h.actor("ada"), "users/write"), atelier.Forbidden)
	})
}

func TestTeamsGiveTheirRoles(t *testing.T) {
	eachHouse(t, func(h *house) {
		_, err := h.who.CreateTeam(h.as("ada"), access.CreateTeam{Name: "vision"})
		h.must(err)
		_, err = h.who.CreateTeam(h.as("ada"), access.CreateTeam{Name: "vision"})
		h.want(err, atelier.Conflict)
		h.give("team:vision", access.Reader)
		h.may("bob", "jobs/read", atelier.NotFound)
		h.must(h.who.AddToTeam(h.as("ada"), "vision", "bob"))
		h.may("bob", "jobs/read", "")
		h.may("bob", "computes/write", atelier.Forbidden)
		_, err = h.who.Assign(h.as("ada"), h.ws, "bob", access.ComputeOperator)
		h.must(err)
		h.may("bob", "computes/write", "") // the one and the other
		h.may("bob", "jobs/read", "")
		h.may("bob", "jobs/write", atelier.Forbidden)
		members, err := h.who.Members(h.Context(), h.ws)
		h.must(err)
		if len(members) != 3 || members[2].Member != "team:vision" || members[2].Kind != access.KindTeam || members[1].Role != access.ComputeOperator {
			t.Errorf("%+v", members)
		}
		h.must(h.who.RemoveFromTeam(h.as("ada"), "vision", "bob"))
		h.may("bob", "jobs/read", atelier.Forbidden)
		h.must(h.who.AddToTeam(h.as("ada"), "vision", "bob"))
		h.must(h.who.DeleteTeam(h.as("ada"), "vision"))
		h.may("bob", "jobs/read", atelier.Forbidden)
		_, err = h.who.SetMember(h.as("ada"), h.ws, "team:vision", access.Reader)
		h.want(err, atelier.NotFound)
	})
}

func TestDisabledUsersAreOut(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.give("bob", access.Reader)
		token, err := h.who.CreateToken(h.Context(), h.users["bob"].ID, "", 0)
		h.must(err)
		session, _, err := h.who.SignIn(h.Context(), token.Secret)
		h.must(err)
		link, _, err := h.who.CreateLinkFor(h.Context(), "bob")
		h.must(err)
		yes, no := true, false
		_, err = h.who.UpdateUser(h.as("ada"), "bob", access.UpdateUser{Disabled: &yes})
		h.must(err)
		for _, secret := range []string{token.Secret, session} {
			_, err = h.who.Authenticate(h.Context(), secret)
			h.want(err, atelier.Unauthenticated)
		}
		for _, code := range []string{token.Secret, link} {
			_, _, err = h.who.SignIn(h.Context(), code)
			h.want(err, atelier.Unauthenticated)
		}
		h.may("bob", "jobs/read", atelier.NotFound)
		_, err = h.who.UpdateUser(h.as("ada"), "bob", access.UpdateUser{Disabled: &no})
		h.must(err)
		_, err = h.who.Authenticate(h.Context(), token.Secret)
		h.must(err)
		_, err = h.who.Authenticate(h.Context(), session)
		h.want(err, atelier.Unauthenticated)
	})
}

// A session is no more than the token that it began with, and ends with it.
func TestNarrowTokens(t *testing.T) {
	eachHouse(t, func(h *house) {
		token, err := h.who.NewToken(h.Context(), h.users["ada"].ID, access.NewToken{Lifetime: time.Hour, Workspace: h.ws, Actions: []string{"jobs/*"}})
		h.must(err)
		session, _, err := h.who.SignIn(h.Context(), token.Secret)
		h.must(err)
		for _, secret := range []string{token.Secret, session} {
			actor, err := h.who.Authenticate(h.Context(), secret)
			h.must(err)
			h.must(h.who.Authorize(h.Context(), actor, h.ws, "jobs/write"))
			h.want(h.who.Authorize(h.Context(), actor, h.ws, "models/read"), atelier.Forbidden)
			h.want(h.who.Authorize(h.Context(), actor, "another", "jobs/write"), atelier.NotFound)
			h.want(h.who.AuthorizeServer(h.Context(), actor, "users/read"), atelier.Forbidden)
			_, err = h.who.SetMember(atelier.WithActor(h.Context(), actor), h.ws, "bob", access.Reader)
			h.want(err, atelier.Forbidden)
		}
		_, err = h.who.NewToken(h.Context(), h.users["ada"].ID, access.NewToken{Actions: []string{"jobs/wriite"}})
		h.want(err, atelier.Invalid)
		h.must(h.who.RevokeToken(h.Context(), h.users["ada"].ID, token.ID))
		_, err = h.who.Authenticate(h.Context(), session)
		h.want(err, atelier.Unauthenticated)
	})
}

func TestServicePrincipals(t *testing.T) {
	eachHouse(t, func(h *house) {
		made, err := h.who.CreateServicePrincipal(h.as("ada"), "ci", "the build server")
		h.must(err)
		h.give("ci", access.Contributor)
		old, err := h.who.CreateSecret(h.as("ada"), "ci", "old", 24*time.Hour)
		h.must(err)
		young, err := h.who.CreateSecret(h.as("ada"), "ci", "young", 48*time.Hour)
		h.must(err)
		token, lifetime, err := h.who.ClientCredentials(h.Context(), made.ID, old.Secret)
		h.must(err)
		other, _, err := h.who.ClientCredentials(h.Context(), "ci", young.Secret)
		h.must(err)
		if lifetime != access.AccessLifetime {
			t.Errorf("it lasts %s", lifetime)
		}
		actor, err := h.who.Authenticate(h.Context(), token)
		h.must(err)
		h.must(h.who.Authorize(h.Context(), actor, h.ws, "jobs/write"))
		h.want(h.who.Authorize(h.Context(), actor, h.ws, "members/write"), atelier.Forbidden)

		for name, try := range map[string][2]string{"another's secret": {"bob", old.Secret}, "a wrong one": {"ci", "atls_x"}, "an access token": {"ci", token}, "nothing": {"ci", ""}} {
			if _, _, err := h.who.ClientCredentials(h.Context(), try[0], try[1]); atelier.CodeOf(err) != atelier.Unauthenticated {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, secret := range []string{old.Secret, "atls_x"} { // a secret is good for tokens only
			_, err = h.who.Authenticate(h.Context(), secret)
			h.want(err, atelier.Unauthenticated)
			_, _, err = h.who.SignIn(h.Context(), secret)
			h.want(err, atelier.Unauthenticated)
		}
		h.must(h.who.DeleteSecret(h.as("ada"), "ci", old.ID))
		_, err = h.who.Authenticate(h.Context(), token)
		h.want(err, atelier.Unauthenticated)
		_, err = h.who.Authenticate(h.Context(), other)
		h.must(err)

		found, secrets, err := h.who.ServicePrincipal(h.Context(), "ci")
		h.must(err)
		if len(secrets) != 1 || secrets[0].Secret != "" || secrets[0].UsedAt == nil || found.Description != "the build server" {
			t.Errorf("%+v %+v", found, secrets)
		}
		owner := access.ServerOwner
		_, err = h.who.UpdateUser(h.as("ada"), "ci", access.UpdateUser{ServerRole: &owner})
		h.want(err, atelier.Invalid)
		h.clock.Advance(47*time.Hour + 30*time.Minute)
		_, lifetime, err = h.who.ClientCredentials(h.Context(), "ci", young.Secret)
		h.must(err)
		if lifetime != 30*time.Minute {
			t.Errorf("a token outlives its secret: %s", lifetime)
		}
		h.clock.Advance(time.Hour)
		_, _, err = h.who.ClientCredentials(h.Context(), "ci", young.Secret)
		h.want(err, atelier.Unauthenticated)
		h.must(h.who.DeleteServicePrincipal(h.as("ada"), "ci"))
		h.want(h.who.DeleteServicePrincipal(h.as("ada"), "bob"), atelier.NotFound)
	})
}

// A mail address is one person's.
func TestMailAddresses(t *testing.T) {
	eachHouse(t, func(h *house) {
		_, err := h.who.Invite(h.as("ada"), "kim", "Kim@example.com")
		h.must(err)
		taken := "kim@EXAMPLE.com"
		_, err = h.who.UpdateUser(h.as("ada"), "bob", access.UpdateUser{Email: &taken})
		h.want(err, atelier.Conflict)
		_, err = h.who.Invite(h.as("ada"), "lee", "no address")
		h.want(err, atelier.Invalid)
	})
}

package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// Me is who is signed in and what they may do where.
type Me struct {
	User       access.User  `json:"user"`
	Workspaces []Membership `json:"workspaces"`
}

// Membership is the signed-in user's place in one workspace.
type Membership struct {
	Name        string   `json:"name"`
	DisplayName string   `json:"display_name"`
	Role        string   `json:"role"`
	Actions     []string `json:"actions"`
	NotActions  []string `json:"not_actions"`
}

// ServerInfo says what answers here.
type ServerInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SignIn  string `json:"sign_in,omitempty" doc:"where a browser signs in with the identity provider, if there is one"`
}

// SignInLink is a way into the Studio that works once.
type SignInLink struct {
	URL       string    `json:"url"`
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}

type accessRoutes struct {
	access     *access.Service
	workspaces *workspace.Service
	url        func() string
	version    string
	federated  bool
}

// Access is what the routes of access need.
type Access struct {
	Service    *access.Service
	Workspaces *workspace.Service
	Federation *access.Federation // nil without an identity provider
	URL        func() string      // under which address the server is reached
	Version    string
}

// RegisterAccess adds the routes of users, sessions, tokens, roles and members.
func RegisterAccess(t *route.Table, parts Access) {
	who := parts.Service
	a := &accessRoutes{access: who, workspaces: parts.Workspaces, url: parts.URL, version: parts.Version, federated: parts.Federation != nil}
	get := func(path, summary string) route.Route {
		return route.Route{Method: "GET", Path: path, Access: route.SignedIn, Summary: summary, Tag: "access"}
	}
	post := func(path, summary string) route.Route {
		r := get(path, summary)
		r.Method = "POST"
		return r
	}
	server := get("/api/v1/server", "What answers here")
	server.Access = route.Public
	route.Native(t, server, a.server)
	signIn := post("/api/v1/sign-in", "Start a browser session from a one-time code or a token")
	signIn.Access = route.Public
	route.Native(t, signIn, a.signIn)
	route.Native(t, post("/api/v1/sign-out", "End this browser session"), a.signOut)
	route.Native(t, post("/api/v1/sign-in-links", "Make a one-time sign-in link"), a.createLink)
	route.Native(t, get("/api/v1/me", "Who is signed in, and what they may do where"), a.me)
	route.Native(t, get("/api/v1/me/tokens", "List personal tokens"), a.listTokens)
	create := post("/api/v1/me/tokens", "Create a personal token")
	create.Status = http.StatusCreated
	route.Native(t, create, a.createToken)
	revoke := get("/api/v1/me/tokens/{token}", "Revoke a personal token")
	revoke.Method = "DELETE"
	route.Native(t, revoke, a.revokeToken)

	registerFederation(t, &federationRoutes{access: who, federation: parts.Federation, secure: isSecure(parts.URL())})
	registerOAuth(t, who)
	registerUsers(t, who)
	registerServicePrincipals(t, who)
	registerTeams(t, who)
	registerMembers(t, who)
}

func (a *accessRoutes) server(context.Context, *Empty) (*Body[ServerInfo], error) {
	info := ServerInfo{Name: "atelier", Version: a.version}
	if a.federated {
		info.SignIn = beginPath
	}
	return answer(info, nil)
}

type signInRequest struct {
	Body struct {
		Code string `json:"code" maxLength:"200" doc:"the code of a one-time link, or a personal token"`
	}
}

type signInAnswer struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Me
}

func (a *accessRoutes) signIn(ctx context.Context, in *signInRequest) (*signInAnswer, error) {
	session, user, err := a.access.SignIn(ctx, in.Body.Code)
	if err != nil {
		return nil, err
	}
	actor, err := a.access.Authenticate(ctx, session)
	if err != nil {
		return nil, err
	}
	route.SignedInAs(ctx, actor)
	me, err := a.describe(atelier.WithActor(ctx, actor), user)
	return &signInAnswer{SetCookie: sessionCookie(session, access.SessionLifetime, isSecure(a.url())), Body: me}, err
}

type signOutRequest struct {
	Session http.Cookie `cookie:"atelier_session"`
}

type signOutAnswer struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (a *accessRoutes) signOut(ctx context.Context, in *signOutRequest) (*signOutAnswer, error) {
	gone := sessionCookie("", 0, isSecure(a.url()))
	gone.MaxAge = -1
	return &signOutAnswer{SetCookie: gone}, a.access.SignOut(ctx, in.Session.Value)
}

type createLinkRequest struct {
	Body *struct { // it may be left out
		User string `json:"user,omitempty" doc:"for whom; the server's owners may name somebody else"`
	}
}

func (a *accessRoutes) createLink(ctx context.Context, in *createLinkRequest) (*Body[SignInLink], error) {
	user, err := a.actingUser(ctx)
	if err != nil {
		return nil, err
	}
	if in.Body != nil && in.Body.User != "" && in.Body.User != user.Name {
		if err := a.access.AuthorizeServer(ctx, atelier.Actor{Kind: atelier.User, ID: user.ID}, "users/write"); err != nil {
			return nil, err
		}
		code, expiresAt, err := a.access.CreateLinkFor(ctx, in.Body.User)
		return answer(a.link(code, expiresAt), err)
	}
	code, expiresAt, err := a.access.CreateLink(ctx, user.ID)
	return answer(a.link(code, expiresAt), err)
}

func (a *accessRoutes) link(code string, expiresAt time.Time) SignInLink {
	return SignInLink{URL: a.url() + "/sign-in?code=" + code, Code: code, ExpiresAt: expiresAt}
}

// actingUser returns the signed-in person. A job or a deployment acts for one,
// but may not act as one; nor may a token that is good for some things only.
func (a *accessRoutes) actingUser(ctx context.Context) (access.User, error) {
	actor, _ := atelier.ActorFrom(ctx)
	if actor.Kind != atelier.User {
		return access.User{}, atelier.Errorf(atelier.Forbidden, "A task's token cannot be used for this.")
	}
	if actor.Narrow() {
		return access.User{}, atelier.Errorf(atelier.Forbidden, "This token is good for some things only, and not for this.").
			WithHint("Use a token without a scope, or sign in.")
	}
	return a.access.User(ctx, actor.ID)
}

func (a *accessRoutes) me(ctx context.Context, _ *Empty) (*Body[Me], error) {
	actor, _ := atelier.ActorFrom(ctx)
	if actor.Kind != atelier.User {
		return nil, atelier.Errorf(atelier.Forbidden, "A task's token cannot be used for this.")
	}
	user, err := a.access.User(ctx, actor.ID)
	if err != nil {
		return nil, err
	}
	return answer(a.describe(ctx, user))
}

func (a *accessRoutes) describe(ctx context.Context, user access.User) (Me, error) {
	me := Me{User: user, Workspaces: []Membership{}}
	visible, err := visibleWorkspaces(ctx, a.workspaces, a.access)
	for _, ws := range visible {
		me.Workspaces = append(me.Workspaces, Membership{Name: ws.Name, DisplayName: ws.DisplayName,
			Role: ws.role.Name, Actions: ws.role.Actions, NotActions: ws.role.NotActions})
	}
	return me, err
}

type roleInWorkspace struct {
	workspace.Workspace
	role access.Role
}

// visibleWorkspaces returns those that the actor is a member of.
func visibleWorkspaces(ctx context.Context, workspaces *workspace.Service, who *access.Service) ([]roleInWorkspace, error) {
	actor, _ := atelier.ActorFrom(ctx)
	all, err := workspaces.List(ctx)
	if err != nil {
		return nil, err
	}
	ids, every, err := who.Visible(ctx, actor)
	if err != nil {
		return nil, err
	}
	var visible []roleInWorkspace
	for _, ws := range all {
		if !every && !ids[ws.ID] {
			continue
		}
		role, err := who.RoleIn(ctx, actor, ws.ID)
		if atelier.CodeOf(err) == atelier.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		visible = append(visible, roleInWorkspace{ws, role})
	}
	return visible, nil
}

func (a *accessRoutes) listTokens(ctx context.Context, _ *Empty) (*Body[atelier.Page[access.Token]], error) {
	user, err := a.actingUser(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := a.access.Tokens(ctx, user.ID)
	return answer(atelier.Page[access.Token]{Items: tokens}, err)
}

type createTokenRequest struct {
	Body struct {
		Description   string   `json:"description,omitempty" maxLength:"200"`
		ExpiresInDays int      `json:"expires_in_days,omitempty" minimum:"1" maximum:"366" doc:"90 when absent"`
		Workspace     string   `json:"workspace,omitempty" doc:"the only workspace that it shall be good for"`
		Actions       []string `json:"actions,omitempty" maxItems:"100" doc:"all that it shall be good for, such as */read; without any, what you may do"`
	}
}

func (a *accessRoutes) createToken(ctx context.Context, in *createTokenRequest) (*Body[access.Token], error) {
	user, err := a.actingUser(ctx)
	if err != nil {
		return nil, err
	}
	ask := access.NewToken{Description: in.Body.Description, Lifetime: days(in.Body.ExpiresInDays), Actions: in.Body.Actions}
	if name := in.Body.Workspace; name != "" {
		visible, err := visibleWorkspaces(ctx, a.workspaces, a.access)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(visible, func(ws roleInWorkspace) bool { return ws.Name == name })
		if at < 0 {
			return nil, atelier.Errorf(atelier.NotFound, "There is no workspace %q, or you are not a member of it.", atelier.Clip(name, 60)).At("workspace")
		}
		ask.Workspace = visible[at].ID
	}
	token, err := a.access.NewToken(ctx, user.ID, ask)
	token.Workspace = in.Body.Workspace
	return answer(token, err)
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

type tokenPath struct {
	Token string `path:"token"`
}

func (a *accessRoutes) revokeToken(ctx context.Context, in *tokenPath) (*Empty, error) {
	user, err := a.actingUser(ctx)
	if err != nil {
		return nil, err
	}
	return &Empty{}, a.access.RevokeToken(ctx, user.ID, in.Token)
}

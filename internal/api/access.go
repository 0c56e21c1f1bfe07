package api

import (
	"context"
	"net/http"
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
}

// RegisterAccess adds the routes of users, sessions, tokens and members. url
// tells under which address the server is reached.
func RegisterAccess(t *route.Table, who *access.Service, workspaces *workspace.Service, url func() string, version string) {
	a := &accessRoutes{access: who, workspaces: workspaces, url: url, version: version}
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

	route.Native(t, route.Route{Method: "GET", Path: "/api/v1/users", Access: route.OnServer, Permission: "users/read",
		Summary: "List the users of the server", Tag: "access"}, a.listUsers)
	route.Native(t, route.Route{Method: "POST", Path: "/api/v1/users", Access: route.OnServer, Permission: "users/write",
		Summary: "Add a user", Tag: "access", Status: http.StatusCreated}, a.createUser)

	route.Native(t, route.Route{Method: "GET", Path: inWorkspace + "/members", Permission: "members/read",
		Summary: "List members and their roles", Tag: "access"}, a.listMembers)
	route.Native(t, route.Route{Method: "PUT", Path: inWorkspace + "/members/{user}", Permission: "members/write",
		Summary: "Give a user a role", Tag: "access"}, a.setMember)
	route.Native(t, route.Route{Method: "DELETE", Path: inWorkspace + "/members/{user}", Permission: "members/write",
		Summary: "Take a user's role away", Tag: "access"}, a.removeMember)
}

func (a *accessRoutes) server(context.Context, *Empty) (*Body[ServerInfo], error) {
	return answer(ServerInfo{Name: "atelier", Version: a.version}, nil)
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
	me, err := a.describe(ctx, user)
	return &signInAnswer{SetCookie: sessionCookie(session, access.SessionLifetime), Body: me}, err
}

func sessionCookie(session string, lifetime time.Duration) http.Cookie {
	return http.Cookie{Name: route.SessionCookie, Value: session, Path: "/", MaxAge: int(lifetime.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

type signOutRequest struct {
	Session http.Cookie `cookie:"atelier_session"`
}

type signOutAnswer struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (a *accessRoutes) signOut(ctx context.Context, in *signOutRequest) (*signOutAnswer, error) {
	gone := sessionCookie("", 0)
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
// but may not act as one.
func (a *accessRoutes) actingUser(ctx context.Context) (access.User, error) {
	actor, _ := atelier.ActorFrom(ctx)
	if actor.Kind != atelier.User {
		return access.User{}, atelier.Errorf(atelier.Forbidden, "A task's token cannot be used for this.")
	}
	return a.access.User(ctx, actor.ID)
}

func (a *accessRoutes) me(ctx context.Context, _ *Empty) (*Body[Me], error) {
	user, err := a.actingUser(ctx)
	if err != nil {
		return nil, err
	}
	return answer(a.describe(ctx, user))
}

func (a *accessRoutes) describe(ctx context.Context, user access.User) (Me, error) {
	me := Me{User: user, Workspaces: []Membership{}}
	visible, err := visibleWorkspaces(ctx, a.workspaces, a.access, user)
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

func visibleWorkspaces(ctx context.Context, workspaces *workspace.Service, who *access.Service, user access.User) ([]roleInWorkspace, error) {
	all, err := workspaces.List(ctx)
	if err != nil {
		return nil, err
	}
	roles, err := who.Roles(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	var visible []roleInWorkspace
	for _, ws := range all {
		name := roles[ws.ID]
		if user.ServerRole == access.ServerOwner {
			name = access.Owner
		}
		if name == "" {
			continue
		}
		role, err := access.FindRole(name)
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
		Description   string `json:"description,omitempty" maxLength:"200"`
		ExpiresInDays int    `json:"expires_in_days,omitempty" minimum:"1" maximum:"366" doc:"90 when absent"`
	}
}

func (a *accessRoutes) createToken(ctx context.Context, in *createTokenRequest) (*Body[access.Token], error) {
	user, err := a.actingUser(ctx)
	if err != nil {
		return nil, err
	}
	lifetime := time.Duration(in.Body.ExpiresInDays) * 24 * time.Hour
	return answer(a.access.CreateToken(ctx, user.ID, in.Body.Description, lifetime))
}

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

func (a *accessRoutes) listUsers(ctx context.Context, _ *Empty) (*Body[atelier.Page[access.User]], error) {
	users, err := a.access.Users(ctx)
	return answer(atelier.Page[access.User]{Items: users}, err)
}

type createUserRequest struct {
	Body struct {
		Name string `json:"name" doc:"a short name or a mail address"`
	}
}

func (a *accessRoutes) createUser(ctx context.Context, in *createUserRequest) (*Body[access.User], error) {
	return answer(a.access.CreateUser(ctx, in.Body.Name))
}

func (a *accessRoutes) listMembers(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[access.Member]], error) {
	members, err := a.access.Members(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[access.Member]{Items: members}, err)
}

type setMemberRequest struct {
	WorkspacePath
	User string `path:"user"`
	Body struct {
		Role string `json:"role" doc:"Owner, Contributor, Data Scientist, Compute Operator or Reader"`
	}
}

func (a *accessRoutes) setMember(ctx context.Context, in *setMemberRequest) (*Body[access.Member], error) {
	return answer(a.access.SetMember(ctx, workspace.From(ctx).ID, in.User, in.Body.Role))
}

type memberPath struct {
	WorkspacePath
	User string `path:"user"`
}

func (a *accessRoutes) removeMember(ctx context.Context, in *memberPath) (*Empty, error) {
	return &Empty{}, a.access.RemoveMember(ctx, workspace.From(ctx).ID, in.User)
}

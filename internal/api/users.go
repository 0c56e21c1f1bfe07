package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/route"
)

// onServer makes a route for those who may do something on the server as a whole.
func onServer(method, path string, permission atelier.Permission, summary string) route.Route {
	r := route.Route{Method: method, Path: "/api/v1" + path, Access: route.OnServer, Permission: permission, Summary: summary, Tag: "access"}
	if method == "POST" {
		r.Status = http.StatusCreated
	}
	return r
}

type userRoutes struct{ access *access.Service }

// registerUsers adds the routes of people.
func registerUsers(t *route.Table, who *access.Service) {
	u := &userRoutes{access: who}
	route.Native(t, onServer("GET", "/users", "users/read", "List the users of the server"), u.list)
	route.Native(t, onServer("POST", "/users", "users/write", "Add a user"), u.create)
	route.Native(t, onServer("GET", "/users/{user}", "users/read", "Show a user"), u.get)
	route.Native(t, onServer("PATCH", "/users/{user}", "users/write", "Change, disable or enable a user"), u.update)
}

func (u *userRoutes) list(ctx context.Context, _ *Empty) (*Body[atelier.Page[access.User]], error) {
	users, err := u.access.Users(ctx, access.KindPerson)
	return answer(atelier.Page[access.User]{Items: users}, err)
}

type createUserRequest struct {
	Body struct {
		Name  string `json:"name" doc:"a short name or a mail address"`
		Email string `json:"email,omitempty" doc:"the address by which the identity provider knows the person, who is this user from the first sign-in on"`
	}
}

func (u *userRoutes) create(ctx context.Context, in *createUserRequest) (*Body[access.User], error) {
	return answer(u.access.Invite(ctx, in.Body.Name, in.Body.Email))
}

// UserPath names a user.
type UserPath struct {
	User string `path:"user"`
}

func (u *userRoutes) get(ctx context.Context, in *UserPath) (*Body[access.User], error) {
	return answer(u.access.UserByName(ctx, in.User))
}

type updateUserRequest struct {
	UserPath
	Body access.UpdateUser
}

func (u *userRoutes) update(ctx context.Context, in *updateUserRequest) (*Body[access.User], error) {
	return answer(u.access.UpdateUser(ctx, in.User, in.Body))
}

type servicePrincipalRoutes struct{ access *access.Service }

// registerServicePrincipals adds the routes of programs that sign in by themselves.
func registerServicePrincipals(t *route.Table, who *access.Service) {
	s := &servicePrincipalRoutes{access: who}
	const one = "/service-principals/{name}"
	route.Native(t, onServer("GET", "/service-principals", "users/read", "List the service principals of the server"), s.list)
	route.Native(t, onServer("POST", "/service-principals", "users/write", "Create a service principal"), s.create)
	route.Native(t, onServer("GET", one, "users/read", "Show a service principal and its secrets, without what they are"), s.get)
	route.Native(t, onServer("PATCH", one, "users/write", "Change, disable or enable a service principal"), s.update)
	route.Native(t, onServer("DELETE", one, "users/write", "Delete a service principal"), s.delete)
	route.Native(t, onServer("POST", one+"/secrets", "users/write", "Create one more secret, which is shown this once"), s.createSecret)
	route.Native(t, onServer("DELETE", one+"/secrets/{secret}", "users/write", "Revoke a secret, and the access tokens given for it"), s.deleteSecret)
}

// ServicePrincipal is a service principal with its secrets.
type ServicePrincipal struct {
	access.User
	Secrets []access.Token `json:"secrets"`
}

// ServicePrincipalPath names a service principal.
type ServicePrincipalPath struct {
	Name string `path:"name"`
}

func (s *servicePrincipalRoutes) list(ctx context.Context, _ *Empty) (*Body[atelier.Page[access.User]], error) {
	all, err := s.access.Users(ctx, access.KindService)
	return answer(atelier.Page[access.User]{Items: all}, err)
}

type createServicePrincipalRequest struct {
	Body struct {
		Name        string `json:"name"`
		Description string `json:"description,omitempty" maxLength:"1000"`
	}
}

func (s *servicePrincipalRoutes) create(ctx context.Context, in *createServicePrincipalRequest) (*Body[ServicePrincipal], error) {
	made, err := s.access.CreateServicePrincipal(ctx, in.Body.Name, in.Body.Description)
	return answer(ServicePrincipal{User: made, Secrets: []access.Token{}}, err)
}

func (s *servicePrincipalRoutes) get(ctx context.Context, in *ServicePrincipalPath) (*Body[ServicePrincipal], error) {
	found, secrets, err := s.access.ServicePrincipal(ctx, in.Name)
	return answer(ServicePrincipal{User: found, Secrets: secrets}, err)
}

type updateServicePrincipalRequest struct {
	ServicePrincipalPath
	Body struct {
		Description *string `json:"description,omitempty" maxLength:"1000"`
		Disabled    *bool   `json:"disabled,omitempty"`
	}
}

func (s *servicePrincipalRoutes) update(ctx context.Context, in *updateServicePrincipalRequest) (*Body[access.User], error) {
	return answer(s.access.UpdateServicePrincipal(ctx, in.Name, access.UpdateUser{Description: in.Body.Description, Disabled: in.Body.Disabled}))
}

func (s *servicePrincipalRoutes) delete(ctx context.Context, in *ServicePrincipalPath) (*Empty, error) {
	return &Empty{}, s.access.DeleteServicePrincipal(ctx, in.Name)
}

type createSecretRequest struct {
	ServicePrincipalPath
	Body struct {
		Description   string `json:"description,omitempty" maxLength:"200"`
		ExpiresInDays int    `json:"expires_in_days,omitempty" minimum:"1" maximum:"366" doc:"90 when absent"`
	}
}

func (s *servicePrincipalRoutes) createSecret(ctx context.Context, in *createSecretRequest) (*Body[access.Token], error) {
	return answer(s.access.CreateSecret(ctx, in.Name, in.Body.Description, days(in.Body.ExpiresInDays)))
}

type secretOfServicePath struct {
	ServicePrincipalPath
	Secret string `path:"secret" doc:"the secret's id"`
}

func (s *servicePrincipalRoutes) deleteSecret(ctx context.Context, in *secretOfServicePath) (*Empty, error) {
	return &Empty{}, s.access.DeleteSecret(ctx, in.Name, in.Secret)
}

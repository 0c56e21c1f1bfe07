package api

import (
	"context"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterVault adds the routes of secrets and, for the server's owners, of the
// key. None of them answers a value: that is given to the tasks which name the
// secret.
func RegisterVault(t *route.Table, secrets *vault.Service, keeper *vault.Keeper) {
	registerKey(t, keeper)
	r := &secretRoutes{secrets}
	all, one := inWorkspace+"/secrets", inWorkspace+"/secrets/{secret}"
	route.Native(t, route.Route{Method: "GET", Path: all, Permission: "secrets/list", Summary: "List secrets by name, without values", Tag: "secrets"}, r.list)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "secrets/list", Summary: "Show a secret, without its value", Tag: "secrets"}, r.get)
	route.Native(t, route.Route{Method: "PUT", Path: one, Permission: "secrets/write", Summary: "Give a secret a value", Tag: "secrets"}, r.set)
	route.Native(t, route.Route{Method: "DELETE", Path: one, Permission: "secrets/delete", Summary: "Forget a secret", Tag: "secrets"}, r.delete)
}

type secretRoutes struct {
	secrets *vault.Service
}

// SecretPath names a secret.
type SecretPath struct {
	WorkspacePath
	Secret string `path:"secret"`
}

func (r *secretRoutes) list(ctx context.Context, _ *WorkspacePath) (*Body[atelier.Page[vault.Secret]], error) {
	all, err := r.secrets.List(ctx, workspace.From(ctx).ID)
	return answer(atelier.Page[vault.Secret]{Items: all}, err)
}

func (r *secretRoutes) get(ctx context.Context, in *SecretPath) (*Body[vault.Secret], error) {
	return answer(r.secrets.Get(ctx, workspace.From(ctx).ID, in.Secret))
}

type setSecret struct {
	SecretPath
	Body vault.SetSecret
}

func (r *secretRoutes) set(ctx context.Context, in *setSecret) (*Body[vault.Secret], error) {
	return answer(r.secrets.Set(ctx, workspace.From(ctx).ID, in.Secret, in.Body))
}

func (r *secretRoutes) delete(ctx context.Context, in *SecretPath) (*Empty, error) {
	return nil, r.secrets.Delete(ctx, workspace.From(ctx).ID, in.Secret)
}

func registerKey(t *route.Table, keeper *vault.Keeper) {
	r := &vaultRoutes{keeper}
	route.Native(t, route.Route{Method: "GET", Path: "/api/v1/vault", Permission: "vault/read", Access: route.OnServer,
		Summary: "Say how the vault is", Tag: "vault"}, r.status)
	route.Native(t, route.Route{Method: "POST", Path: "/api/v1/vault/rotate-key", Permission: "vault/write", Access: route.OnServer,
		Summary: "Make a new key and seal everything anew with it", Tag: "vault"}, r.rotate)
}

type vaultRoutes struct {
	keeper *vault.Keeper
}

func (r *vaultRoutes) status(ctx context.Context, _ *Empty) (*Body[vault.Status], error) {
	return answer(r.keeper.Status(ctx))
}

func (r *vaultRoutes) rotate(ctx context.Context, _ *Empty) (*Body[vault.Status], error) {
	return answer(r.keeper.Rotate(ctx))
}

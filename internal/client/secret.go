package client

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier/internal/vault"
)

// ListSecrets returns the workspace's secrets, without values.
func (c *Client) ListSecrets(ctx context.Context) ([]vault.Secret, error) {
	return list[vault.Secret](ctx, c, c.path("secrets"), nil, 0)
}

// GetSecret returns a secret, without its value.
func (c *Client) GetSecret(ctx context.Context, name string) (vault.Secret, error) {
	return get[vault.Secret](ctx, c, c.path("secrets", name), nil)
}

// SetSecret gives a secret a value.
func (c *Client) SetSecret(ctx context.Context, name, value string) (vault.Secret, error) {
	var made vault.Secret
	err := c.exchange(ctx, call{method: http.MethodPut, path: c.path("secrets", name), in: vault.SetSecret{Value: value}}, &made)
	return made, err
}

// DeleteSecret forgets a secret.
func (c *Client) DeleteSecret(ctx context.Context, name string) error {
	return c.delete(ctx, c.path("secrets", name))
}

// Vault says how the server's vault is.
func (c *Client) Vault(ctx context.Context) (vault.Status, error) {
	return get[vault.Status](ctx, c, serverPath("vault"), nil)
}

// RotateVaultKey seals everything anew with a new key.
func (c *Client) RotateVaultKey(ctx context.Context) (vault.Status, error) {
	return post[vault.Status](ctx, c, serverPath("vault", "rotate-key"), nil)
}

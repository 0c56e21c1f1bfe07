//go:build openbao

package vault_test

import (
	"os"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/vault"
)

// These tests need a real OpenBao or HashiCorp Vault, with a key-value store of
// version 2 mounted at "secret": BAO_ADDR and BAO_TOKEN say where it is.
//
//	BAO_ADDR=http://127.0.0.1:8200 BAO_TOKEN=... go test -tags openbao ./internal/vault

func bao(t *testing.T, path, token string) *vault.OpenBao {
	t.Helper()
	o, err := vault.NewOpenBao(os.Getenv("BAO_ADDR")+"/"+path, token, "")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOpenBaoKeepsKeys(t *testing.T) {
	path := "secret/" + atelier.NewSecret("atelier/")
	keepsKeys(t, func() vault.KeyProvider { return bao(t, path, os.Getenv("BAO_TOKEN")) })
}

func TestOpenBaoRefuses(t *testing.T) {
	token, key := os.Getenv("BAO_TOKEN"), make([]byte, 32)
	path := "secret/" + atelier.NewSecret("atelier/")
	if _, err := bao(t, path, "wrong").Load(t.Context()); atelier.CodeOf(err) != atelier.Forbidden {
		t.Errorf("a wrong token: %v", err)
	}
	if err := bao(t, "nowhere/x", token).Store(t.Context(), key); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("no such mount: %v", err)
	}
	first, second := bao(t, path, token), bao(t, path, token)
	for _, p := range []*vault.OpenBao{first, second} {
		if _, err := p.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Store(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := second.Store(t.Context(), key); atelier.CodeOf(err) != atelier.Conflict {
		t.Errorf("somebody else was first: %v", err)
	}
}

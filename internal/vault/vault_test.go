package vault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/vault"
)

func open(t *testing.T, path string) *vault.Vault {
	t.Helper()
	v, _, err := vault.Open(t.Context(), sqldbtest.SQLite(t, clock.System{}), vault.File(path))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSealedTextOpensWithItsKeyAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "vault.key")
	sealed := open(t, path).Seal([]byte("hunter2"))
	if strings.Contains(sealed, "hunter2") {
		t.Fatal("the secret can be read")
	}
	if plain, err := open(t, path).Unseal(sealed); err != nil || string(plain) != "hunter2" {
		t.Errorf("after a restart: %q, %v", plain, err)
	}
	other := open(t, filepath.Join(t.TempDir(), "other.key"))
	flipped := byte('A')
	if sealed[20] == flipped {
		flipped = 'B'
	}
	damaged := sealed[:20] + string(flipped) + sealed[21:]
	for name, text := range map[string]string{"damaged": damaged, "short": "v1.AAAA", "no version": sealed[3:], "empty": ""} {
		if _, err := open(t, path).Unseal(text); err == nil {
			t.Errorf("%s text was opened", name)
		}
	}
	if _, err := other.Unseal(sealed); err == nil {
		t.Error("another key opened it")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v", info.Mode())
	}
}

package vault_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/vault"
)

// keepsKeys is what every provider must do. open returns one more provider of the
// same keys, which nobody has stored yet.
func keepsKeys(t *testing.T, open func() vault.KeyProvider) {
	first := open()
	if keys, err := first.Load(t.Context()); err != nil || len(keys) != 0 {
		t.Fatalf("at first it has %x, %v", keys, err)
	}
	for _, keys := range [][]byte{bytes.Repeat([]byte{0, 255}, 16), bytes.Repeat([]byte{7}, 64)} {
		if err := first.Store(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		for _, p := range []vault.KeyProvider{first, open()} {
			if got, err := p.Load(t.Context()); err != nil || !bytes.Equal(got, keys) {
				t.Errorf("it has %x, %v, want %x", got, err, keys)
			}
		}
	}
	if first.String() == "" {
		t.Error("it does not say where the keys are")
	}
}

func TestAFileKeepsKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "vault.key")
	keepsKeys(t, func() vault.KeyProvider { return vault.File(path) })
}

func TestAddressesOfSecrets(t *testing.T) {
	for _, address := range []string{"", "bao:8200/secret/x", "ftp://bao/secret/x", "https://bao", "https://bao/secret", "https://user:pass@bao/secret/x", "https://bao/secret/x?y=z"} {
		if _, err := vault.NewOpenBao(address, "token", ""); atelier.CodeOf(err) != atelier.Invalid {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := vault.NewOpenBao("https://bao:8200/secret/x", "", ""); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("without a token: %v", err)
	}
	away, err := vault.NewOpenBao("http://127.0.0.1:1/secret/x", "token", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := away.Load(t.Context()); atelier.CodeOf(err) != atelier.Unavailable {
		t.Errorf("a server that is away: %v", err)
	}
}

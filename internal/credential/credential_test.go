package credential_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/credential"
)

func TestTokensAreKeptPerServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config", "atelier")
	save := func(server, token string) {
		t.Helper()
		if err := credential.Save(dir, server, token); err != nil {
			t.Fatal(err)
		}
	}
	want := func(server, token string) {
		t.Helper()
		got, err := credential.Token(dir, server)
		if err != nil || got != token {
			t.Errorf("Token(%q) = %q, %v; want %q", server, got, err, token)
		}
	}
	want("http://127.0.0.1:8700", "")
	save("http://127.0.0.1:8700", "one")
	save("https://ml.example.org/", "two")
	want("http://localhost:8700/", "one")
	want("https://ML.example.org", "two")
	want("http://127.0.0.1:8701", "")

	save("http://localhost:8700", "three")
	want("http://127.0.0.1:8700", "three")
	if err := credential.Remove(dir, "http://127.0.0.1:8700"); err != nil {
		t.Fatal(err)
	}
	want("http://127.0.0.1:8700", "")
	want("https://ml.example.org", "two")
}

func TestOnlyTheOwnerMayRead(t *testing.T) {
	dir := t.TempDir()
	if err := credential.Save(dir, "http://a", "secret"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, credential.File))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode is %o, want 600", mode)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want only %s", entries, err, credential.File)
	}
}

func TestABrokenFileIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, credential.File)
	if err := os.WriteFile(path, []byte("{oops"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := credential.Save(dir, "http://a", "secret")
	if atelier.CodeOf(err) != atelier.Invalid {
		t.Fatalf("Save returned %v, want an invalid error", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "{oops" {
		t.Errorf("the file became %q", text)
	}
}

func TestWithoutAHome(t *testing.T) {
	if token, err := credential.Token("", "http://a"); token != "" || err != nil {
		t.Errorf("Token returned %q, %v", token, err)
	}
	if err := credential.Save("", "http://a", "secret"); atelier.CodeOf(err) != atelier.Invalid {
		t.Errorf("Save returned %v", err)
	}
}

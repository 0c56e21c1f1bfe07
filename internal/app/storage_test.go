package app_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/app"
	"github.com/atelier-ml/atelier/internal/blob/blobtest"
	"github.com/atelier-ml/atelier/internal/clock"
)

// A server keeps what was uploaded in the bucket that it was told, also over a
// restart, and nothing of it on its disk.
func TestFilesAreKeptInS3(t *testing.T) {
	storage := os.Getenv(blobtest.S3Variable)
	if storage == "" {
		t.Logf("S3 is not tested: %s is not set", blobtest.S3Variable)
		return
	}
	place := "/server-" + atelier.NewID(clock.System{}.Now()) + "?"
	config := app.Config{DataDir: filepath.Join(t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler),
		Storage: strings.Replace(storage, "?", place, 1)}
	start := func() *app.App {
		server, err := app.New(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		return server
	}
	content := bytes.Repeat([]byte("some bytes "), 1000)
	sum := sha256.Sum256(content)
	path := "/api/v1/workspaces/default/blobs/" + hex.EncodeToString(sum[:])

	server := start()
	token := server.Token()
	must(t, server, token, "PUT", path, string(content), nil)
	if wrong := call(t, server, "PUT", path, token, "something else"); wrong.Code != http.StatusBadRequest {
		t.Errorf("wrong content: %d", wrong.Code)
	}
	server.Close()
	server = start()
	defer server.Close()
	if got := call(t, server, "GET", path, token, ""); got.Code != http.StatusOK || !bytes.HasPrefix(content, got.Body.Bytes()) || got.Body.Len() == 0 {
		t.Errorf("read back: %d, %d bytes", got.Code, got.Body.Len())
	}
	var swept struct {
		Kept int `json:"kept_objects"`
	}
	must(t, server, token, "POST", "/api/v1/workspaces/default/gc?dry_run=true", "", &swept)
	if swept.Kept != 1 {
		t.Errorf("the sweep sees %d objects, want 1", swept.Kept)
	}
	for _, folder := range []string{"blobs", "incoming"} {
		if left, _ := os.ReadDir(filepath.Join(config.DataDir, folder)); len(left) > 0 {
			t.Errorf("%s holds %v", folder, left)
		}
	}
}

func TestStartRefusesAStorageThatCannotBeUsed(t *testing.T) {
	config := app.Config{DataDir: filepath.Join(t.TempDir(), "data"), Log: slog.New(slog.DiscardHandler), Storage: "s3://key:hunter2@models"}
	if _, err := app.New(t.Context(), config); atelier.CodeOf(err) != atelier.Invalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want a refusal that does not repeat the secret", err)
	}
}

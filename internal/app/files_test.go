package app_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"testing"
)

// A browser sends what it cannot hash, names the folder, and fetches it whole.
func TestAFolderIsSentUnhashedAndFetchedAsAZipFile(t *testing.T) {
	server := newServer(t)
	files := "/api/v1/workspaces/default"
	sum := sha256.Sum256([]byte("a,b\n1,2\n"))
	stored := call(t, server, "POST", files+"/blobs", server.Token(), "a,b\n1,2\n")
	var content struct {
		SHA256 string
		Size   int
	}
	if err := json.Unmarshal(stored.Body.Bytes(), &content); err != nil || content.SHA256 != hex.EncodeToString(sum[:]) || content.Size != 8 {
		t.Fatalf("%d %s: %v", stored.Code, stored.Body, err)
	}
	var tree struct{ ID string }
	must(t, server, server.Token(), "POST", files+"/trees",
		`{"files":[{"path":"in/<b>table.csv","sha256":"`+content.SHA256+`","size":8},{"path":"표.csv","sha256":"`+content.SHA256+`","size":8}]}`, &tree)
	got := call(t, server, "GET", files+"/trees/"+tree.ID+"/archive", server.Token(), "")
	if kind := got.Header().Get("Content-Type"); kind != "application/zip" {
		t.Fatalf("%d %s %s", got.Code, kind, got.Body)
	}
	unpacked, err := zip.NewReader(bytes.NewReader(got.Body.Bytes()), int64(got.Body.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range unpacked.File {
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil || string(text) != "a,b\n1,2\n" {
			t.Errorf("%s is %q, %v", file.Name, text, err)
		}
		names = append(names, file.Name)
	}
	if len(names) != 2 || names[0] != "in/<b>table.csv" || names[1] != "표.csv" {
		t.Errorf("files %q", names)
	}
	if got := call(t, server, "GET", files+"/trees/"+content.SHA256+"/archive", server.Token(), ""); got.Code < 400 {
		t.Errorf("a content that is no folder: %d", got.Code)
	}
}

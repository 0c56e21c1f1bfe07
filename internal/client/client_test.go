package client_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// instant is a clock whose sleepers wake at once.
type instant struct{}

func (instant) Now() time.Time { return time.Unix(1_700_000_000, 0) }
func (instant) After(time.Duration) <-chan time.Time {
	woken := make(chan time.Time, 1)
	woken <- time.Unix(1_700_000_000, 0)
	return woken
}

// serve starts handler and returns a client for it, as token "secret" in the
// workspace "vision".
func serve(t *testing.T, handler http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return dial(t, server.URL)
}

func dial(t *testing.T, address string) *client.Client {
	t.Helper()
	api, err := client.New(client.Config{Server: address, Token: "secret", Workspace: "vision", Clock: instant{}})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func TestRequestsCarryTokenAndEscapedNames(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer secret" {
			t.Errorf("Authorization is %q", got)
		}
		if want := "/api/v1/workspaces/vision/runs/a%2Fb%3Fc"; r.URL.EscapedPath() != want {
			t.Errorf("path is %q, want %q", r.URL.EscapedPath(), want)
		}
		answer(w, 200, `{"id":"a/b?c"}`)
	})
	run, err := api.GetRun(t.Context(), "a/b?c")
	if err != nil || run.ID != "a/b?c" {
		t.Errorf("GetRun returned %+v, %v", run, err)
	}
}

func TestServersErrorsComeBackAsTheyWere(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 404, `{"error":{"code":"not_found","message":"There is no run \"x\".","hint":"List them.","field":"run",
			"details":[{"location":"a","message":"one"},{"location":"b","message":"two"}]}}`)
	})
	_, err := api.GetRun(t.Context(), "x")
	var got *atelier.Error
	if !errors.As(err, &got) {
		t.Fatalf("the error is %T: %v", err, err)
	}
	want := &atelier.Error{Code: atelier.NotFound, Message: "There is no run \"x\".\n  b: two", Hint: "List them.", Field: "run"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestAnswersThatAreNotOurs(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   atelier.Code
	}{
		{404, "<html>nginx</html>", atelier.NotFound},
		{502, "bad gateway", atelier.Unavailable},
		{301, "", atelier.Internal},
		{200, "<html>hello</html>", atelier.Internal},
		{200, "", atelier.Internal},
		{418, `{"error":{}}`, atelier.Internal},
	} {
		api := serve(t, func(w http.ResponseWriter, r *http.Request) { answer(w, test.status, test.body) })
		_, err := api.GetRun(t.Context(), "x")
		if got := atelier.CodeOf(err); got != test.want {
			t.Errorf("%d %q: code %q (%v), want %q", test.status, test.body, got, err, test.want)
		}
	}
}

func TestAServerThatIsAway(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	listener.Close()
	_, err = dial(t, address).GetRun(t.Context(), "x")
	if got := atelier.CodeOf(err); got != atelier.Unavailable {
		t.Fatalf("code %q (%v)", got, err)
	}
	if want := "There is no Atelier server at " + address + "."; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the error says %q, want it to begin with %q", err, want)
	}
}

func TestIdempotentCallsAreTriedAgain(t *testing.T) {
	var calls atomic.Int32
	flaky := func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 3 {
			answer(w, 503, `{"error":{"code":"unavailable","message":"The server is starting."}}`)
			return
		}
		answer(w, 200, `{"id":"x"}`)
	}
	api := serve(t, flaky)
	if _, err := api.GetRun(t.Context(), "x"); err != nil || calls.Load() != 3 {
		t.Errorf("after %d calls: %v", calls.Load(), err)
	}
	calls.Store(0)
	if err := api.RestoreRun(t.Context(), "x"); atelier.CodeOf(err) != atelier.Unavailable || calls.Load() != 1 {
		t.Errorf("a call that may not run twice was sent %d times: %v", calls.Load(), err)
	}
}

func TestListsFollowPages(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if diff := cmp.Diff([]string{"a", "b"}, q["experiment"]); diff != "" {
			t.Error(diff)
		}
		switch q.Get("page_token") {
		case "":
			answer(w, 200, `{"items":[{"id":"1"},{"id":"2"}],"next_page_token":"two"}`)
		case "two":
			answer(w, 200, `{"items":[{"id":"3"},{"id":"4"}]}`)
		}
	})
	for _, test := range []struct{ limit, want int }{{0, 4}, {3, 3}, {2, 2}, {9, 4}} {
		runs, err := api.ListRuns(t.Context(), client.ListRuns{Experiments: []string{"a", "b"}, MaxResults: test.limit})
		if err != nil || len(runs) != test.want {
			t.Errorf("limit %d: %d runs, %v; want %d", test.limit, len(runs), err, test.want)
		}
	}
}

func source(path, content string) client.Source {
	sum := sha256.Sum256([]byte(content))
	return client.Source{
		File: blob.File{Path: path, Hash: blob.Hash(hex.EncodeToString(sum[:])), Size: int64(len(content))},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

func TestUploadSendsOnlyWhatIsMissing(t *testing.T) {
	kept, fresh := source("a.txt", "kept"), source("b/c.txt", "fresh")
	var stored atomic.Value
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v1/workspaces/vision/") {
		case "POST blobs/missing":
			fmt.Fprintf(w, `{"missing":[%q]}`, fresh.Hash)
		case "PUT blobs/" + string(fresh.Hash):
			body, _ := io.ReadAll(r.Body)
			stored.Store(string(body))
			w.WriteHeader(http.StatusNoContent)
		case "POST trees":
			var ask struct{ Files []blob.File }
			json.NewDecoder(r.Body).Decode(&ask)
			tree, err := blob.NewTree(ask.Files)
			if err != nil {
				t.Error(err)
			}
			json.NewEncoder(w).Encode(tree)
		default:
			t.Errorf("unexpected %s %s", r.Method, r.URL)
		}
	})
	var last [2]int64
	tree, err := api.UploadTree(t.Context(), []client.Source{kept, fresh}, func(done, total int64) { last = [2]int64{done, total} })
	if err != nil {
		t.Fatal(err)
	}
	if stored.Load() != "fresh" || last != [2]int64{5, 5} || len(tree.Files) != 2 {
		t.Errorf("stored %v, progress %v, tree %+v", stored.Load(), last, tree)
	}
}

func TestDownloadsStayInTheirFolder(t *testing.T) {
	for _, path := range []string{"../escape.txt", "/etc/escape.txt", "a/../../escape.txt", "link/escape.txt", `..\escape.txt`} {
		dir := t.TempDir()
		outside := filepath.Join(dir, "outside")
		inside := filepath.Join(dir, "inside")
		os.Mkdir(outside, 0o755)
		os.Mkdir(inside, 0o755)
		if err := os.Symlink(outside, filepath.Join(inside, "link")); err != nil {
			t.Fatal(err)
		}
		api := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "bad") })
		root, err := os.OpenRoot(inside)
		if err != nil {
			t.Fatal(err)
		}
		err = api.DownloadArtifacts(t.Context(), "run", []tracking.Artifact{{Path: path, Size: 3}}, "", client.Target{Root: root})
		root.Close()
		if err == nil {
			t.Errorf("%q was written", path)
		}
		if entries, _ := os.ReadDir(outside); len(entries) > 0 {
			t.Errorf("%q wrote %v outside of its folder", path, entries)
		}
		if _, err := os.Stat(filepath.Join(dir, "escape.txt")); err == nil {
			t.Errorf("%q wrote beside its folder", path)
		}
	}
}

func TestDownloadChecksContent(t *testing.T) {
	want := source("model.bin", "the model")
	for content, ok := range map[string]bool{"the model": true, "something else": false} {
		api := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, content) })
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		err = api.DownloadTree(t.Context(), blob.Tree{Files: []blob.File{want.File}}, client.Target{Root: root})
		if (err == nil) != ok {
			t.Errorf("%q: %v", content, err)
		}
		entries, _ := os.ReadDir(dir)
		if ok && len(entries) != 1 || !ok && len(entries) != 0 {
			t.Errorf("%q left %v", content, entries)
		}
	}
}

func TestArtifactsOfAServerThatLiesEnd(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, `{"items":[{"path":"a","is_dir":true},{"path":"","is_dir":true},{"path":"f","size":1}]}`)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	files, err := api.Artifacts(ctx, "run", "")
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestAScriptsFailureIsNotTakenForAnotherProgram(t *testing.T) {
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("azureml-model-deployment", "blue")
		answer(w, http.StatusInternalServerError, `{"message": "An unexpected error occurred in scoring script."}`)
	})
	_, err := api.Invoke(t.Context(), "diabetes", "", []byte(`{}`))
	if atelier.CodeOf(err) != atelier.Precondition {
		t.Errorf("code %q", atelier.CodeOf(err))
	}
	for _, part := range []string{`"blue" answered 500`, "unexpected error occurred in scoring script", "get-logs"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

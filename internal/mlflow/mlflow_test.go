package mlflow_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/mlflow"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/upload"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// house is a server with MLflow's routes and an owner who is signed in.
type house struct {
	t          testing.TB
	url        string
	token      string
	runs       *tracking.Service
	workspaces *workspace.Service
	client     *http.Client
	folder     string // where bytes are kept
}

func each(t *testing.T, test func(h house)) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) { test(newHouse(t, db)) })
}

func newHouse(t testing.TB, db *sqldb.DB) house {
	t.Helper()
	bus := event.NewBus()
	who := access.New(db, clock.System{})
	workspaces := workspace.New(db, who, bus)
	owner, token, err := who.Bootstrap(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := workspaces.EnsureDefault(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	ctx := atelier.WithActor(t.Context(), atelier.Actor{Kind: atelier.User, ID: owner.ID, Name: owner.Name})
	if _, err := workspaces.Create(ctx, workspace.Create{Name: "vision"}); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	blobs, err := blob.OpenDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	log := slog.New(slog.NewTextHandler(testWriter{t}, nil))
	runs := tracking.New(db, blobs, bus)
	parts, err := upload.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { parts.Close() })
	table := route.New(route.Options{Access: who, Workspaces: workspaces, Log: log, Version: "test"})
	mlflow.Register(table, mlflow.Parts{Tracking: runs, Models: model.New(db, blobs, bus, runs), Uploads: upload.New(db, clock.System{}, runs, parts),
		Workspaces: workspaces, Access: who, Blobs: blobs, Log: log, Contents: []workspace.Guard{tracking.RefuseFull, model.RefuseFull}})
	server := httptest.NewServer(table)
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	t.Cleanup(client.CloseIdleConnections)
	return house{t, server.URL, token, runs, workspaces, client, folder}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}

// send makes a request and returns its status and body.
func (h house) send(method, path, body string, headers ...string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// call makes a request that must succeed and returns the answer's JSON.
func (h house) call(method, path, body string, headers ...string) map[string]any {
	h.t.Helper()
	status, text := h.send(method, path, body, headers...)
	var answer map[string]any
	if err := json.Unmarshal([]byte(text), &answer); status != 200 || err != nil {
		h.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return answer
}

// at follows keys and indexes into an answer.
func at(value any, path ...any) any {
	for _, step := range path {
		switch key := step.(type) {
		case string:
			fields, _ := value.(map[string]any)
			value = fields[key]
		case int:
			list, _ := value.([]any)
			if key >= len(list) {
				return nil
			}
			value = list[key]
		}
	}
	return value
}

const api = "/api/2.0/mlflow/"

func (h house) run(body string) string {
	h.t.Helper()
	return at(h.call("POST", api+"runs/create", body), "run", "info", "run_id").(string)
}

// A job's relay repeats runs/create when it heard no answer.
func TestCreatingARunAgainWithItsIDMakesOneRun(t *testing.T) {
	each(t, func(h house) {
		id := strings.Repeat("0a", 16)
		for range 2 {
			made := h.call("POST", api+"runs/create", `{"experiment_id": "0", "start_time": 1700000000000}`, mlflow.RunIDHeader, id)
			if got := at(made, "run", "info", "run_id"); got != id {
				t.Errorf("run id %v", got)
			}
		}
		if found := h.call("POST", api+"runs/search", `{"experiment_ids": ["0"]}`); len(found["runs"].([]any)) != 1 {
			t.Errorf("found %v", found)
		}
		status, text := h.send("POST", api+"runs/create", `{"experiment_id": "0", "start_time": 1}`, mlflow.RunIDHeader, id)
		if status != http.StatusBadRequest || !strings.Contains(text, "RESOURCE_ALREADY_EXISTS") {
			t.Errorf("another run with the id: %d %s", status, text)
		}
		if status, text := h.send("POST", api+"runs/create", `{"experiment_id": "0"}`, mlflow.RunIDHeader, "job-1"); status != http.StatusBadRequest {
			t.Errorf("the name of a job: %d %s", status, text)
		}
	})
}

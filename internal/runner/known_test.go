package runner

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lastSeen is what a server says of a run.
const lastSeen = `{"run": {"info": {"run_id": "r", "run_uuid": "r", "run_name": "one", "experiment_id": "7", "user_id": "", "status": "RUNNING", "start_time": 5,
	"artifact_uri": "mlflow-artifacts:/7/r/artifacts", "lifecycle_stage": "active"},
	"data": {"metrics": [{"key": "loss", "value": 3, "timestamp": 1, "step": 4}, {"key": "odd", "value": "NaN", "timestamp": 1, "step": 0}],
	"params": [{"key": "a", "value": "1"}], "tags": [{"key": "mlflow.runName", "value": "one"}, {"key": "x", "value": "y"}]},
	"inputs": {"dataset_inputs": [{"dataset": {"name": "d", "digest": "1", "source_type": "s", "source": "t"}}]}, "outputs": {}}}`

// A client of MLflow 2 reads its run before it ends it. While the server is away it
// is told what the server said last, with what it wrote since.
func TestTheRelayTellsWhatItKnowsOfARun(t *testing.T) {
	var seen atomic.Int32
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		seen.Add(1)
		io.Copy(io.Discard, req.Body)
		if req.Method == http.MethodGet {
			fmt.Fprint(w, lastSeen)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	dir := t.TempDir()
	r := relayIn(t, dir, upstream.URL, nil)
	for _, call := range []struct{ method, path, body string }{
		{"GET", "get?run_id=r", ""}, {"POST", "set-tag", `{"run_id": "r", "key": "x", "value": "acknowledged"}`},
	} {
		if status, text := ask(t, r, call.method, inRuns+call.path, strings.NewReader(call.body)); status != 200 {
			t.Fatalf("%s: %d %s", call.path, status, text)
		}
	}
	upstream.Close()
	for path, body := range map[string]string{
		"log-metric":    `{"run_id": "r", "key": "loss", "value": 1, "timestamp": 2, "step": 5}`,
		"log-batch":     `{"run_id": "r", "metrics": [{"key": "loss", "value": 9, "timestamp": 2, "step": 1}], "params": [{"key": "b", "value": "2"}], "tags": [{"key": "z", "value": "w"}]}`,
		"log-parameter": `{"run_id": "r", "key": "c", "value": "3"}`,
		"update":        `{"run_id": "r", "run_name": "two", "status": "FINISHED", "end_time": 9}`,
		"set-tag":       `{"run_id": "another", "key": "x", "value": "of another"}`,
	} {
		if status, text := ask(t, r, "POST", inRuns+path, strings.NewReader(body)); status != 200 {
			t.Fatalf("%s: %d %s", path, status, text)
		}
	}
	status, text := ask(t, r, "GET", inRuns+"get?run_uuid=r&run_id=r", nil)
	var got, want any
	if err := json.Unmarshal([]byte(text), &got); status != 200 || err != nil {
		t.Fatalf("%d %s", status, text)
	}
	expected := strings.NewReplacer(`"value": 3, "timestamp": 1, "step": 4`, `"value": 1, "timestamp": 2, "step": 5`, `"run_name": "one"`, `"run_name": "two", "end_time": 9`,
		`"RUNNING"`, `"FINISHED"`, `[{"key": "a", "value": "1"}]`, `[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "c", "value": "3"}]`,
		`{"key": "mlflow.runName", "value": "one"}, {"key": "x", "value": "y"}`,
		`{"key": "mlflow.runName", "value": "two"}, {"key": "x", "value": "acknowledged"}, {"key": "z", "value": "w"}`).Replace(lastSeen)
	if err := json.Unmarshal([]byte(expected), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	unknown := make(chan string, 1)
	go func() {
		_, text := ask(t, r, "GET", inRuns+"get?run_id=never-seen", nil)
		unknown <- text
	}()
	back := &recorder{}
	comeBack(t, dir, back)
	if text := <-unknown; text != "6" { // after all that was logged
		t.Errorf("a run of which nothing is known: %s, of %q", text, back.all())
	}
	if status, text := ask(t, r, "GET", inRuns+"get?run_id=r", nil); status != 200 || text != "7" {
		t.Errorf("once the server is back: %d %s", status, text)
	}
}

// An answer that was under way while something was written does not hide the write.
func TestTheRelayLearnsNoOldAnswer(t *testing.T) {
	reading, release := make(chan bool), make(chan bool)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		if req.Header.Get("X-Own") != "" && req.URL.Query().Get("slow") != "" {
			reading <- true
			<-release
		}
		if req.Method == http.MethodGet {
			fmt.Fprint(w, lastSeen)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	r := relayIn(t, t.TempDir(), upstream.URL, nil)
	ask(t, r, "GET", inRuns+"get?run_id=r", nil)
	done := make(chan bool)
	go func() {
		ask(t, r, "GET", inRuns+"get?run_id=r&slow=1", nil)
		done <- true
	}()
	<-reading
	ask(t, r, "POST", inRuns+"log-parameter", strings.NewReader(`{"run_id": "r", "key": "late", "value": "1"}`))
	release <- true
	<-done
	upstream.Close()
	if _, text := ask(t, r, "GET", inRuns+"get?run_id=r", nil); !strings.Contains(text, `"late"`) {
		t.Errorf("the write is not shown: %s", text)
	}
}

package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/api"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/data"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/job"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// jobServer serves the routes of jobs and tasks over a compute on which tasks
// are prepared and nothing is ever reported.
type jobServer struct {
	t       *testing.T
	url     string
	token   string
	task    chan compute.Task // every task that is started
	runners *fake.Driver
}

func newJobServer(t *testing.T) *jobServer {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, bus, clk := sqldbtest.SQLite(t, clock.System{}), event.NewBus(), clock.System{}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	who := access.New(db, clk)
	workspaces := workspace.New(db, who, bus)
	owner, token, err := who.Bootstrap(t.Context(), "ada")
	must(err)
	must(workspaces.EnsureDefault(t.Context(), owner))
	blobs, err := blob.OpenDir(filepath.Join(t.TempDir(), "blobs"))
	must(err)
	store, err := logs.Open(filepath.Join(t.TempDir(), "logs"))
	must(err)
	s := &jobServer{t: t, token: token, task: make(chan compute.Task, 10)}
	script := func(task compute.Task) fake.Script {
		s.task <- task
		return fake.Script{Hang: true, LoseContact: true}
	}
	s.runners = fake.New(clk, compute.Capacity{Name: "fake", CPUs: 8}, script, nil)
	runs := tracking.New(db, blobs, bus)
	jobs := job.New(job.Options{DB: db, Clock: clk, Bus: bus, Access: who, Blobs: blobs, Logs: store, Tracking: runs, Data: data.New(db, blobs, bus, runs, nil, nil),
		Environments: environment.New(db), Driver: s.runners, Log: log, ServerURL: func() string { return "" }})
	table := route.New(route.Options{Access: who, Workspaces: workspaces, Log: log, Version: "test"})
	api.RegisterJobs(table, jobs, bus)
	api.RegisterTasks(table, jobs, nil, runs)
	server := httptest.NewServer(table)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); jobs.Run(ctx) }()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); cancel(); <-done })
	s.url = server.URL + "/api/v1/workspaces/default"
	return s
}

// send sends a request with a token and returns the answer, whose body it read.
func (s *jobServer) send(token, method, path, body string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if method == "POST" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(text)
}

func (s *jobServer) want(status int, token, method, path, body string) string {
	s.t.Helper()
	response, text := s.send(token, method, path, body)
	if response.StatusCode != status {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, response.StatusCode, status, text)
	}
	return text
}

func TestSubmittedJobsComeBackAsTheyWereWritten(t *testing.T) {
	s := newJobServer(t)
	s.want(201, s.token, "POST", "/jobs", `{"name": "one", "command": "x ${{inputs.rate}}", "environment": "system",
		"inputs": {"rate": 0.10, "word": "w", "yes": true}, "outputs": {"model": {}}, "limits": {"timeout": 5}}`)
	var j struct {
		Name, Status, Environment string
		Inputs                    map[string]any
		Outputs                   map[string]struct{ Type string }
		Tags                      map[string]string
		Notices                   []string
	}
	text := s.want(200, s.token, "GET", "/jobs/one", "")
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	if j.Environment != "system" || j.Outputs["model"].Type != "uri_folder" || j.Tags == nil || j.Notices == nil || !strings.Contains(text, "0.10") {
		t.Errorf("the job is %s", text)
	}
	if list := s.want(200, s.token, "GET", "/jobs?max_results=1", ""); !strings.Contains(list, `"name":"one"`) {
		t.Errorf("the list is %s", list)
	}
}

func TestBadJobsAreRefusedWithTheirPlace(t *testing.T) {
	s := newJobServer(t)
	tests := map[string]struct {
		body   string
		status int
		want   string
	}{
		"unknown field":     {`{"command": "x", "comand": "y"}`, 400, "comand"},
		"no command":        {`{}`, 400, "command"},
		"wrong type":        {`{"command": 7}`, 400, "body.command"},
		"bad input":         {`{"command": "x", "inputs": {"a": [1]}}`, 400, "input"},
		"unknown reference": {`{"command": "x ${{inputs.b}}", "environment": "system", "inputs": {"a": 1}}`, 400, "Its inputs are: a."},
		"no JSON":           {`{`, 400, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, text := s.send(s.token, "POST", "/jobs", test.body)
			if response.StatusCode != test.status || !strings.Contains(text, test.want) {
				t.Errorf("status %d, want %d with %q: %s", response.StatusCode, test.status, test.want, text)
			}
		})
	}
}

// start submits a job and returns the token of its task.
func (s *jobServer) start(name string) (token string) {
	s.t.Helper()
	s.want(201, s.token, "POST", "/jobs", fmt.Sprintf(`{"name": %q, "command": "x", "environment": "system"}`, name))
	return (<-s.task).Token
}

func TestLogsAreWrittenOnceAndReadInParts(t *testing.T) {
	s := newJobServer(t)
	token := s.start("logged")
	path := "/tasks/logged/logs?name=" + job.CommandLog + "&offset="
	for _, piece := range []struct {
		offset, text, size string
		status             int
	}{{"0", "hello ", `{"size":6}`, 200}, {"0", "hello ", `{"size":6}`, 200}, {"3", "lo there", `{"size":11}`, 200}, {"99", "gap", "", 412}, {"-1", "x", "", 400}} {
		if text := s.want(piece.status, token, "PUT", path+piece.offset, piece.text); piece.size != "" && strings.TrimSpace(text) != piece.size {
			t.Errorf("at %s: %s, want %s", piece.offset, text, piece.size)
		}
	}
	response, text := s.send(s.token, "GET", "/jobs/logged/logs?offset=2&limit=5", "")
	if text != "llo t" || response.Header.Get("X-Log-Size") != "11" || response.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("read %q with the headers %v", text, response.Header)
	}
	if text := s.want(200, s.token, "GET", "/jobs/logged/logs?offset=500", ""); text != "" {
		t.Errorf("read %q behind the end", text)
	}
	s.want(404, s.token, "GET", "/jobs/logged/logs?name=../../etc/passwd", "")
	s.want(404, s.token, "GET", "/jobs/nothing/logs", "")
	s.want(403, s.token, "PUT", path+"0", "people do not write logs")
	s.want(403, token, "PUT", "/tasks/other/logs?name="+job.CommandLog, "x")
}

func TestALogIsFollowedToTheEnd(t *testing.T) {
	s := newJobServer(t)
	token := s.start("followed")
	events := s.follow("/jobs/followed/logs/stream")
	write := func(offset int, text string) {
		s.want(200, token, "PUT", fmt.Sprintf("/tasks/followed/logs?name=%s&offset=%d", job.CommandLog, offset), text)
	}
	expect := func(want ...string) {
		t.Helper()
		for _, event := range want {
			if got := <-events; got != event {
				t.Fatalf("got %q, want %q", got, event)
			}
		}
	}
	expect(`status {"status":"Preparing"}`)
	write(0, "first\n")
	expect(`6 log {"offset":0,"text":"first\n"}`)
	write(6, "caf\xc3") // a character in two pieces
	expect(`9 log {"offset":6,"text":"caf"}`)
	write(10, "\xa9!")
	expect(`12 log {"offset":9,"text":"é!"}`)
	report := func(seq int, record string) {
		s.want(200, token, "POST", "/tasks/followed/report",
			fmt.Sprintf(`{"runner": {"host": "h", "pid": 1}, "records": [{"seq": %d, "at": "2026-01-01T00:00:00Z", %s}]}`, seq, record))
	}
	report(1, `"type": "status", "status": "Running"`)
	expect(`status {"status":"Running"}`)
	write(12, "last \xff\xc3") // no text at all, and nothing more to come
	expect(`18 log {"offset":12,"text":"last \ufffd"}`)
	report(2, `"type": "exit", "exit_code": 0`)
	expect(`19 log {"offset":18,"text":"\ufffd"}`, `status {"status":"Completed"}`, `end {"status":"Completed"}`, "")

	var again []string
	for event := range s.follow("/jobs/followed/logs/stream?offset=12") {
		again = append(again, event)
	}
	want := []string{`19 log {"offset":12,"text":"last \ufffd\ufffd"}`, `status {"status":"Completed"}`, `end {"status":"Completed"}`}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("followed from an offset (-want +got):\n%s", diff)
	}
}

// follow returns the events of a stream as "ID NAME DATA", until it ends.
func (s *jobServer) follow(path string) <-chan string {
	s.t.Helper()
	request, _ := http.NewRequestWithContext(s.t.Context(), "GET", s.url+path, nil)
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	events := make(chan string)
	go func() {
		defer close(events)
		defer response.Body.Close()
		var words []string
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			_, value, found := strings.Cut(lines.Text(), ": ")
			if found {
				words = append(words, value)
			} else if len(words) > 0 {
				events <- strings.Join(words, " ")
				words = nil
			}
		}
	}()
	return events
}

func TestOutputsAreKeptUnderTheJobsRun(t *testing.T) {
	s := newJobServer(t)
	token := s.start("maker")
	s.want(204, token, "PUT", "/tasks/maker/artifacts?path=outputs/a.txt", "made")
	s.want(400, token, "PUT", "/tasks/maker/artifacts?path=../a.txt", "made")
	s.want(403, s.start("stranger"), "PUT", "/tasks/maker/artifacts?path=outputs/a.txt", "forged")
	s.want(403, s.token, "PUT", "/tasks/maker/artifacts?path=outputs/a.txt", "by hand")
}

func TestCancelAndDelete(t *testing.T) {
	s := newJobServer(t)
	s.start("running")
	if text := s.want(412, s.token, "DELETE", "/jobs/running", ""); !strings.Contains(text, string(atelier.Precondition)) {
		t.Errorf("deleted: %s", text)
	}
	if text := s.want(200, s.token, "POST", "/jobs/running/cancel", ""); !strings.Contains(text, string(job.CancelRequested)) {
		t.Errorf("canceled: %s", text)
	}
	s.want(404, s.token, "POST", "/jobs/nothing/cancel", "")
}

package cli_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/cli"
)

// follow runs `job stream j` against a server whose log stream is written by
// stream, and whose job is described by job.
func follow(t *testing.T, ctx context.Context, w *world, job string, stream func(rw http.ResponseWriter)) int {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/logs/stream") {
			fmt.Fprint(rw, job)
			return
		}
		rw.Header().Set("Content-Type", "text/event-stream")
		stream(rw)
		rw.(http.Flusher).Flush()
		if ctx.Err() == nil && strings.Contains(job, "Running") {
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	w.Transport = http.DefaultTransport
	w.Args = append([]string{"job", "stream", "j", "--server", server.URL}, w.Args...)
	return cli.Main(ctx, w.State, w.hooks)
}

const wholeLog = "event: status\ndata: {\"status\":\"Running\"}\n\n" +
	"event: log\nid: 4\ndata: {\"offset\":0,\"text\":\"one\\n\"}\n\n" +
	"event: status\ndata: {\"status\":\"%s\"}\n\nevent: end\ndata: {}\n\n"

func TestStreamSaysHowAJobEnded(t *testing.T) {
	times := `"started_at":"2026-11-23T11:00:00Z","ended_at":"2026-11-23T11:00:42Z"`
	for _, test := range []struct {
		status, rest, want string
		code               int
	}{
		{"Completed", `"exit_code":0`, "Running\nCompleted in 42 s.\n", 0},
		{"Failed", `"exit_code":3`, "Running\nFailed after 42 s, exit code 3.\n", 10},
		{"Failed", `"error":{"code":"X","message":"There is no package \"scikit\"."}`, "Running\nFailed after 42 s: There is no package \"scikit\".\n", 10},
		{"Canceled", `"exit_code":null`, "Running\nCanceled after 42 s.\n", 10},
	} {
		w := newWorld(t)
		job := fmt.Sprintf(`{"name":"j","status":%q,%s,%s}`, test.status, times, test.rest)
		code := follow(t, t.Context(), w, job, func(rw http.ResponseWriter) { fmt.Fprintf(rw, wholeLog, test.status) })
		if code != test.code || w.out.String() != "one\n" || w.err.String() != test.want {
			t.Errorf("%s: exit %d, out %q, err %q; want exit %d, err %q", test.status, code, w.out.String(), w.err.String(), test.code, test.want)
		}
	}
}

func TestStreamAsJSONKeepsTheLogApart(t *testing.T) {
	w := newWorld(t)
	w.Args = []string{"-o", "json"}
	code := follow(t, t.Context(), w, `{"name":"j","status":"Completed"}`, func(rw http.ResponseWriter) { fmt.Fprintf(rw, wholeLog, "Completed") })
	if code != 0 || !strings.HasPrefix(w.out.String(), "{\n  \"name\": \"j\"") || !strings.Contains(w.err.String(), "one\n") {
		t.Errorf("exit %d, out %q, err %q", code, w.out.String(), w.err.String())
	}
}

// interrupter cancels as soon as something is written: Ctrl-C at the first line.
type interrupter struct{ cancel context.CancelFunc }

func (i interrupter) Write(p []byte) (int, error) {
	i.cancel()
	return len(p), nil
}

func TestInterruptedStreamLeavesTheJobAlone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := newWorld(t)
	w.Stdout = interrupter{cancel}
	code := follow(t, ctx, w, `{"name":"j","status":"Running"}`, func(rw http.ResponseWriter) {
		fmt.Fprint(rw, "event: log\nid: 4\ndata: {\"offset\":0,\"text\":\"one\\n\"}\n\n")
	})
	want := "\nDetached; the job goes on. `atelier job stream j` comes back to it, `atelier job cancel j` ends it.\n"
	if code != 130 || w.err.String() != want {
		t.Errorf("exit %d, err %q; want exit 130, err %q", code, w.err.String(), want)
	}
}

func TestStreamEndsALineThatTheJobDidNot(t *testing.T) {
	w := newWorld(t)
	w.StdoutTerminal, w.StderrTerminal = true, true
	follow(t, t.Context(), w, `{"name":"j","status":"Completed"}`, func(rw http.ResponseWriter) {
		fmt.Fprintf(rw, strings.ReplaceAll(wholeLog, `one\n`, "one"), "Completed")
	})
	if w.err.String() != "Running\n\nCompleted.\n" {
		t.Errorf("remarks %q", w.err.String())
	}
}

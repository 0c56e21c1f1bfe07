package runner

import (
	"net/http"
	"strings"
	"sync"

	"github.com/atelier-ml/atelier/internal/mlflow"
)

// maxKnown is how many runs are remembered: a job's own, and those that it makes.
const maxKnown = 1000

// knownRuns remember what the server said of runs, and what passed the relay since,
// so that a client which reads its run before it writes goes on while the server is
// away. What others write to the run, and what is no plain write, such as to remove a
// tag, is not seen until it is back.
type knownRuns struct {
	mu     sync.Mutex
	runs   map[string]*mlflow.KnownRun
	writes int // that were added so far
}

// now is a moment to which learn refers.
func (k *knownRuns) now() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.writes
}

// learn remembers an answer, unless it may be older than a write: one that was
// added since the request was sent.
func (k *knownRuns) learn(in *http.Request, since int, answer []byte) {
	run, ok := mlflow.KnowRun(answer)
	if !ok {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if since != k.writes {
		return
	}
	if len(k.runs) >= maxKnown {
		clear(k.runs)
	}
	k.runs[scope(in)+run.ID()] = run
}

// add notes a write to a run.
func (k *knownRuns) add(in *http.Request, d mlflow.Deferred) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.writes++
	if run := k.runs[scope(in)+d.Run]; run != nil {
		run.Add(d)
	}
}

// answer returns what is known of a run.
func (k *knownRuns) answer(in *http.Request, id string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	run := k.runs[scope(in)+id]
	if run == nil {
		return nil, false
	}
	return run.Answer(), true
}

// scope is what a run's id is unique in: the beginning of a request's path, which
// names the workspace.
func scope(in *http.Request) string {
	before, _, _ := strings.Cut(in.URL.Path, "/2.0/")
	return before + "\x00" + in.Header.Get("X-MLFLOW-WORKSPACE") + "\x00"
}

package fault_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	trafficChanges = 1000
	colours        = 4  // deployments behind the endpoint
	replacements   = 25 // of each
)

// A thousand changes of the traffic, while a hundred deployments are replaced
// behind it, drop not one request of those that keep coming.
func TestChangesOfTrafficDropNoRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	key := s.deploy(scoring, map[string]any{"request_settings": map[string]int{
		"max_concurrent_requests_per_instance": 4, "max_queue_wait_ms": 20_000, "request_timeout_ms": 20_000}})
	code := s.upload(scoring)
	one := func(name string) string { return workspacePath + "/online-endpoints/doubler/deployments/" + name }
	names := []string{"blue"}
	for n := 1; n < colours; n++ {
		name := fmt.Sprintf("colour%d", n)
		names = append(names, name)
		body := map[string]any{"name": name, "environment": "system",
			"code_configuration": map[string]any{"code": code, "scoring_script": "score.py"},
			"request_settings":   map[string]int{"max_concurrent_requests_per_instance": 4, "max_queue_wait_ms": 20_000, "request_timeout_ms": 20_000}}
		if err := s.ask("POST", workspacePath+"/online-endpoints/doubler/deployments", body, nil); err != nil {
			t.Fatal(err)
		}
		s.until("the deployment "+name, func() bool { return s.deploymentState(one(name)) == "Succeeded" })
	}

	var done atomic.Bool
	var asked, dropped atomic.Int64
	var callers, changers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for !done.Load() {
				status, answer := s.score(key, `{"x": 1}`)
				if asked.Add(1); status != http.StatusOK {
					dropped.Add(1)
					t.Errorf("%d %s", status, answer)
				}
			}
		})
	}
	changers.Go(func() {
		random := rand.New(rand.NewPCG(1, 2))
		for range trafficChanges {
			first := random.IntN(101)
			pair := random.Perm(colours)
			split := map[string]int{names[pair[0]]: first, names[pair[1]]: 100 - first}
			if err := s.ask("PATCH", workspacePath+"/online-endpoints/doubler", map[string]any{"traffic": split}, nil); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for _, name := range names {
		changers.Go(func() {
			for version := range replacements {
				change := map[string]any{"environment_variables": map[string]string{"VERSION": fmt.Sprint(version + 2)}}
				if err := s.ask("PATCH", one(name), change, nil); err != nil {
					t.Error(err)
					return
				}
				s.until("the replacement of "+name, func() bool { return s.deploymentState(one(name)) != "Updating" })
			}
		})
	}
	changers.Wait()
	done.Store(true)
	callers.Wait()
	t.Logf("%d requests, %d dropped, during %d changes of the traffic and %d replacements", asked.Load(), dropped.Load(), trafficChanges, colours*replacements)
	for _, name := range names {
		want := fmt.Sprintf(`"version": "%d"`, replacements+1)
		if err := s.ask("PATCH", workspacePath+"/online-endpoints/doubler", map[string]any{"traffic": map[string]int{name: 100}}, nil); err != nil {
			t.Fatal(err)
		}
		if _, answer := s.score(key, `{"x": 1}`); !strings.Contains(answer, want) {
			t.Errorf("%s answers %s after its replacements, want %s", name, answer, want)
		}
	}
}

func (s *server) deploymentState(path string) string {
	var d deploymentAnswer
	if err := s.ask("GET", path, nil, &d); err != nil {
		s.t.Error(err)
	}
	return d.State
}

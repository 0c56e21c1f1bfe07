package fault_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// Sixteen scripts log one value in each call, which the server stores together, and
// it is killed in the middle, again and again. Every point that was acknowledged is
// there, once, and of those that were not no more than each script's last.
func TestKillTheServerWhileManyLogSinglePoints(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const scripts, rounds, perRound = 16, 4, 400
	runs := make([]string, scripts)
	for i := range runs {
		var made struct {
			Run struct {
				Info struct {
					ID string `json:"run_id"`
				} `json:"info"`
			} `json:"run"`
		}
		if err := s.ask("POST", "/api/2.0/mlflow/runs/create", map[string]any{"experiment_id": "0"}, &made); err != nil {
			t.Fatal(err)
		}
		runs[i] = made.Run.Info.ID
	}
	acknowledged := make([]int, scripts) // by each script
	for range rounds {
		var all atomic.Int64
		enough := make(chan struct{})
		var group sync.WaitGroup
		for i, run := range runs {
			group.Go(func() {
				for ; ; acknowledged[i]++ {
					step := acknowledged[i]
					point := map[string]any{"run_id": run, "key": "loss", "value": 1.0 / float64(step+1), "timestamp": 1_700_000_000_000 + step, "step": step}
					if s.ask("POST", "/api/2.0/mlflow/runs/log-metric", point, nil) != nil {
						return // killed; the next server is asked again
					}
					if all.Add(1) == perRound {
						close(enough)
					}
				}
			})
		}
		ended := make(chan struct{})
		go func() { group.Wait(); close(ended) }()
		select {
		case <-enough:
		case <-ended:
			t.Fatal("the server refuses what is logged")
		}
		s.kill()
		<-ended
		s.start()
	}
	for i, run := range runs {
		s.wantPoints(run, acknowledged[i])
	}
}

// wantPoints checks that a run has the first points of its training, as many as were
// acknowledged and one more at the most.
func (s *server) wantPoints(run string, acknowledged int) {
	s.t.Helper()
	var series struct {
		Points []struct {
			Step  int     `json:"step"`
			Value float64 `json:"value"`
		} `json:"points"`
	}
	if err := s.ask("GET", fmt.Sprintf("%s/runs/%s/metrics?key=loss&max_points=10000", workspacePath, run), nil, &series); err != nil {
		s.t.Fatal(err)
	}
	if found := len(series.Points); found != acknowledged && found != acknowledged+1 {
		s.t.Errorf("%d points are there, and %d were acknowledged", found, acknowledged)
	}
	for step, point := range series.Points {
		if point.Step != step || point.Value != 1/float64(step+1) {
			s.t.Errorf("point %d is %+v", step, point)
		}
	}
}

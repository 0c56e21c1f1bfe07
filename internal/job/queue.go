package job

import (
	"cmp"
	"context"
	"time"

	"github.com/atelier-ml/atelier/internal/sqldb"
)

// Queue is what the machine is busy with and what waits for it, as a member of
// one workspace may know it.
type Queue struct {
	Machine Amounts `json:"machine"`
	Taken   Amounts `json:"taken" doc:"By the jobs of all workspaces, and by the replicas of endpoints."`
	// Replicas are those of the endpoints of all workspaces.
	Replicas int        `json:"replicas" doc:"Replicas of the endpoints of all workspaces, each of which counts for the memory of a job that says nothing of it."`
	Running  []QueueJob `json:"running" doc:"Jobs of the workspace that have their part of the machine, the newest first."`
	Waiting  []QueueJob `json:"waiting" doc:"Jobs of the workspace that wait, in the order of their priority and age; at most 500."`
	// Others are the jobs of other workspaces, of which no more is said.
	Others Others `json:"others"`
}

// Others counts jobs of other workspaces.
type Others struct {
	Running int `json:"running"`
	Waiting int `json:"waiting"`
}

// QueueJob is a job that runs or waits.
type QueueJob struct {
	Name       string       `json:"name"`
	Title      string       `json:"display_name"`
	Experiment string       `json:"experiment_name"`
	CreatedBy  string       `json:"created_by"`
	Status     Status       `json:"status"`
	Compute    string       `json:"compute"`
	Priority   string       `json:"priority" enum:"low,medium,high"`
	Asks       Amounts      `json:"asks"`
	GPUs       []int        `json:"gpus,omitempty" doc:"The machine's GPUs that it was given, by index."`
	CreatedAt  time.Time    `json:"created_at"`
	StartedAt  *time.Time   `json:"started_at,omitempty"`
	Why        *Explanation `json:"why,omitempty" doc:"What it waits for; absent when nothing is in its way."`
}

// maxQueue is how many jobs a Queue names.
const maxQueue = 500

// Queue returns what runs and what waits, by planning anew.
func (s *Service) Queue(ctx context.Context, ws string) (Queue, error) {
	now, err := s.snapshot(ctx, true)
	if err != nil {
		return Queue{}, err
	}
	var running, waiting []Job
	err = s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		if running, err = selectPlaced(ctx, tx, ws, maxQueue); err != nil {
			return err
		}
		waiting, err = selectWaiting(ctx, tx, ws, maxQueue)
		return err
	})
	if err != nil {
		return Queue{}, err
	}
	q := now.queueOf(ws)
	waits := decide(now).waits
	for _, j := range running {
		q.Running = append(q.Running, j.queued())
	}
	for _, j := range waiting {
		entry := j.queued()
		if w, ok := waits[key{ws, j.Name}]; ok {
			why := w.explain(Explanation{Name: j.Name, Status: j.Status, Since: j.CreatedAt}, ws)
			entry.Why = &why
		}
		q.Waiting = append(q.Waiting, entry)
	}
	return q, nil
}

// queueOf counts what is taken, and the jobs of other workspaces.
func (s snapshot) queueOf(ws string) Queue {
	taken := share{memory: s.machine.memory - s.machine.beside(s.replicas).memory}
	q := Queue{Machine: s.machine.amounts(), Replicas: s.replicas, Running: []QueueJob{}, Waiting: []QueueJob{}}
	for _, p := range s.placed {
		taken = taken.plus(p.asks)
		if p.workspace != ws {
			q.Others.Running++
		}
	}
	q.Taken = taken.amounts()
	for _, w := range s.queue {
		if w.workspace != ws {
			q.Others.Waiting++
		}
	}
	return q
}

func (j Job) queued() QueueJob {
	return QueueJob{Name: j.Name, Title: cmp.Or(j.DisplayName, j.Name), Experiment: j.ExperimentName, CreatedBy: j.CreatedBy, Status: j.Status,
		Compute: j.pool, Priority: Priorities[min(max(j.priority, 0), len(Priorities)-1)], Asks: j.asks.amounts(), GPUs: j.GPUs,
		CreatedAt: j.CreatedAt, StartedAt: j.StartedAt}
}

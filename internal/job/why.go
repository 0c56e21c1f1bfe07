package job

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/atelier-ml/atelier/internal/compute"
)

// cause is the kind of thing that a queued job waits for.
type cause string

const (
	noRoom      cause = "resources" // too little of the machine is free
	keptFor     cause = "reserved"  // enough is free, and kept for a larger job
	limited     cause = "limit"     // a limit of the workspace is reached
	poolFull    cause = "slots"     // every slot of its compute is taken
	poolStopped cause = "stopped"   // its compute is stopped
	poolGone    cause = "compute"   // its compute was deleted
	impossible  cause = "never"     // the machine has not so many GPUs
)

// wait is what a job waits for, as the plan leaves it.
type wait struct {
	cause               cause
	need, free, machine share
	replicas            int    // of endpoints, which have their part of the machine
	ahead               int    // jobs that wait and come first
	behind              key    // the job for which room is kept
	where               string // the compute or the limit
	limit, has          int
}

// Amounts is a part of a machine, for people and programs.
type Amounts struct {
	CPUs        int   `json:"cpus"`
	MemoryBytes int64 `json:"memory_bytes"`
	GPUs        int   `json:"gpus"`
}

// Explanation says why a job waits.
type Explanation struct {
	Name   string    `json:"name"`
	Status Status    `json:"status"`
	Since  time.Time `json:"since" doc:"When the job was submitted."`
	Cause  string    `json:"cause" doc:"One of resources, reserved, limit, slots, stopped, compute and never; empty for a job that does not wait."`
	Reason string    `json:"reason" doc:"The answer in a few sentences."`
	Needs  Amounts   `json:"needs"`
	Free   Amounts   `json:"free"`
	Ahead  int       `json:"ahead" doc:"How many waiting jobs come first."`
	Behind string    `json:"behind,omitempty" doc:"The job for which room is kept, when it is of this workspace."`
	Limit  string    `json:"limit,omitempty" doc:"The limit that is reached."`
}

// Why explains what a queued job waits for, by planning anew.
func (s *Service) Why(ctx context.Context, ws, name string) (Explanation, error) {
	j, err := s.Get(ctx, ws, name)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Name: j.Name, Status: j.Status, Since: j.CreatedAt}
	if j.Status != Queued {
		e.Reason = fmt.Sprintf("It does not wait: it is %s.", j.Status)
		return e, nil
	}
	now, err := s.snapshot(ctx, true)
	if err != nil {
		return Explanation{}, err
	}
	w, waits := decide(now).waits[key{ws, name}]
	if !waits {
		e.Reason = "Nothing is in its way: it starts in a moment."
		return e, nil
	}
	return w.explain(e, ws), nil
}

// explain fills in e for a member of the workspace ws, who learns no name of
// another's.
func (w wait) explain(e Explanation, ws string) Explanation {
	e.Cause, e.Needs, e.Free, e.Ahead = string(w.cause), w.need.amounts(), w.free.amounts(), w.ahead
	if w.behind.workspace == ws {
		e.Behind = w.behind.name
	}
	if w.cause == limited {
		e.Limit = w.where
	}
	sentences := []string{w.sentence(e.Behind)}
	switch {
	case w.ahead == 1:
		sentences = append(sentences, "One waiting job comes first.")
	case w.ahead > 1:
		sentences = append(sentences, fmt.Sprintf("%d waiting jobs come first.", w.ahead))
	}
	e.Reason = strings.Join(append(sentences, "It waits since "+e.Since.UTC().Format(time.DateTime)+" UTC."), " ")
	return e
}

func (w wait) sentence(behind string) string {
	if behind == "" {
		behind = "a job of another workspace"
	}
	switch w.cause {
	case keptFor:
		return fmt.Sprintf("It needs %s, which would be free, but is kept for %s, which comes first and needs more.", w.need, behind)
	case limited:
		return fmt.Sprintf("It needs %s, and the workspace's limit %s is %d, of which %d are in use.", w.need, w.where, w.limit, w.has)
	case poolFull:
		return fmt.Sprintf("All %d slots of the compute %s are taken.", w.limit, w.where)
	case poolStopped:
		return fmt.Sprintf("The compute %s is stopped. `atelier compute start %s` lets its jobs run.", w.where, w.where)
	case poolGone:
		return fmt.Sprintf("The compute %s is gone. Make it again with `atelier compute create`, or cancel the job.", w.where)
	case impossible:
		return fmt.Sprintf("It needs %s, and the machine has %s in all. It can never run here.", w.need, w.machine)
	}
	text := fmt.Sprintf("It needs %s; of %s, %s are free.", w.need, w.machine, w.free)
	if taken := w.machine.memory - w.machine.beside(w.replicas).memory; taken > 0 {
		text += fmt.Sprintf(" Endpoints have %s of the memory.", compute.FormatMemory(taken))
	}
	return text
}

func (s share) amounts() Amounts { return Amounts{s.cpus, s.memory, s.gpus} }

// String says the share in words.
func (s share) String() string {
	parts := []string{count(s.cpus, "processor")}
	if s.memory > 0 {
		parts = append(parts, compute.FormatMemory(s.memory)+" of memory")
	}
	if s.gpus > 0 {
		parts = append(parts, count(s.gpus, "GPU"))
	}
	last := len(parts) - 1
	if last == 0 {
		return parts[0]
	}
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

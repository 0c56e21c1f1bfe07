package fake

import (
	"context"
	"slices"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// runner plays one runner of a task.
type runner struct {
	*Driver
	*task
	script Script
	wake   chan struct{} // receives when something was written down
	told   chan struct{} // closed when the server wants the task to end
}

// play does what a runner does, from its start to its end.
func (r *runner) play() {
	shipped := make(chan bool, 1)
	if r.script.Insist {
		go func() { shipped <- r.ship() }()
	} else {
		shipped <- true
	}
	survived := r.work() && <-shipped
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.died, r.command = compute.Ended, !survived, false
	close(r.done)
}

// work reports whether the runner came to its end; it did not when it was killed.
func (r *runner) work() bool {
	switch {
	case r.over():
		return true
	case r.reached(compute.StatusRunning):
		return r.conclude(nil, &compute.Failure{Code: compute.RunnerLost, Message: "The runner died."}, false)
	}
	r.say(compute.Record{Type: compute.StatusRecord, Status: compute.StatusPreparing})
	if r.script.Refuse != nil {
		return r.conclude(nil, r.script.Refuse, false)
	}
	if closed(r.told) || closed(r.stop) {
		return r.conclude(nil, nil, true)
	}
	r.say(compute.Record{Type: compute.StatusRecord, Status: compute.StatusRunning})
	r.mu.Lock()
	r.begun[handleOf(r.Task)]++
	r.command = true
	r.mu.Unlock()
	if r.script.Die {
		return false
	}
	return r.runCommand()
}

// runCommand waits for the end of the command.
func (r *runner) runCommand() bool {
	var over, timeout <-chan time.Time
	if !r.script.Hang {
		over = r.clock.After(r.script.RunFor)
	}
	if r.TimeoutSeconds > 0 {
		timeout = r.clock.After(time.Duration(r.TimeoutSeconds) * time.Second)
	}
	code, canceled := r.script.ExitCode, false
	var failure *compute.Failure
	select {
	case <-over:
		if code != 0 && r.script.Insist {
			failure = &compute.Failure{Code: compute.UserError, Message: "The command failed."}
		}
	case <-timeout:
		failure = &compute.Failure{Code: compute.Timeout, Message: "The job ran longer than it may."}
	case <-r.stop:
		canceled = true
	case <-r.told:
		canceled = true
	case <-r.kill:
		return false
	}
	r.mu.Lock()
	r.command = false
	r.mu.Unlock()
	return r.conclude(&code, failure, canceled)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// conclude writes the last records.
func (r *runner) conclude(code *int, failure *compute.Failure, canceled bool) bool {
	var last []compute.Record
	if failure == nil || failure.Code != compute.RunnerLost {
		last = append(last, compute.Record{Type: compute.StatusRecord, Status: compute.StatusFinalizing})
	}
	if failure != nil {
		last = append(last, compute.Record{Type: compute.ErrorRecord, Error: failure})
	}
	return r.say(append(last, compute.Record{Type: compute.ExitRecord, ExitCode: code, Canceled: canceled})...)
}

// say writes records down, and has them reported.
func (r *runner) say(records ...compute.Record) bool {
	if closed(r.kill) {
		return false
	}
	r.mu.Lock()
	for i := range records {
		records[i].Seq, records[i].At = int64(len(r.journal)+1), r.clock.Now()
		r.journal = append(r.journal, records[i])
	}
	r.mu.Unlock()
	if r.script.Insist {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	} else if !r.script.LoseContact {
		if answer, _ := r.report(context.Background(), r.Task, r.news(records)); answer.Cancel {
			r.tell()
		}
	}
	return true
}

func (r *runner) news(records []compute.Record) compute.Report {
	return compute.Report{Runner: compute.Process{Host: r.capacity.Name, PID: 1}, Records: records}
}

func (r *runner) tell() {
	if !closed(r.told) {
		close(r.told)
	}
}

// ship reports until the server has acknowledged all. It returns false when the
// runner was killed before.
func (r *runner) ship() bool {
	acknowledged := int64(0)
	for {
		r.mu.Lock()
		records, task := slices.Clone(r.journal[min(max(acknowledged, 0), int64(len(r.journal))):]), r.Task
		r.mu.Unlock()
		answer, err := r.report(context.Background(), task, r.news(records))
		again := compute.HeartbeatEvery
		switch code := atelier.CodeOf(err); {
		case err == nil:
			acknowledged = answer.Acknowledged
			r.renew(answer.Token)
		case code == atelier.Unavailable || code == atelier.Internal:
			again = time.Second
		default:
			r.tell() // the server wants to hear no more
			return !closed(r.kill)
		}
		if answer.Cancel {
			r.tell()
		}
		if r.allTold(acknowledged) {
			return true
		}
		select {
		case <-r.wake:
		case <-r.clock.After(again):
		case <-r.kill:
			return false
		}
	}
}

func (r *runner) allTold(acknowledged int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over() && acknowledged >= int64(len(r.journal))
}

func (r *runner) renew(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token != "" {
		r.Token = token
	}
}

// reached reports whether a runner of the task ever came to status.
func (t *task) reached(status string) bool {
	return slices.ContainsFunc(t.journal, func(r compute.Record) bool { return r.Type == compute.StatusRecord && r.Status == status })
}

// over reports whether the last record is written.
func (t *task) over() bool {
	return len(t.journal) > 0 && t.journal[len(t.journal)-1].Type == compute.ExitRecord
}

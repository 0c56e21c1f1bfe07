package job

import (
	"context"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/sqldb"
)

// A job's token lives long enough for a server that is away for weeks, and is
// replaced every day; it ends with the job's task.
const (
	tokenLifetime = 30 * 24 * time.Hour
	tokenRenewal  = 24 * time.Hour
)

// Report applies what a job's runner says. Every record is applied once, in the
// same transaction that remembers its number.
func (s *Service) Report(ctx context.Context, ws, task string, report compute.Report) (compute.ReportAnswer, error) {
	if err := ownTask(ctx, task); err != nil {
		return compute.ReportAnswer{}, err
	}
	s.noteHeard(key{ws, task})
	var answer compute.ReportAnswer
	j, err := s.Get(ctx, ws, task)
	if err != nil {
		return answer, err
	}
	if s.hasNews(j, report) {
		made := s.prepareOutputs(ctx, j, report)
		j, err = s.change(ctx, ws, task, func(tx *sqldb.Tx, j *Job) (err error) {
			if err := made.check(ctx, tx, *j); err != nil {
				return err
			}
			if made.failure != nil && j.Error == nil {
				j.Error = made.failure
			}
			j.take(report, tx.Now())
			if j.Status == Completed && !made.empty() {
				if err := made.register(ctx, tx, *j); err != nil {
					return err
				}
			}
			answer.Token, err = s.renewToken(ctx, tx, j)
			return err
		})
		if err == nil && j.Status == Completed {
			s.announceOutputs(ctx, ws, made)
		}
	}
	answer.Acknowledged, answer.Cancel = j.lastRecord, j.Status == CancelRequested
	return answer, err
}

// hasNews reports whether a report changes anything: most are heartbeats.
func (s *Service) hasNews(j Job, report compute.Report) bool {
	if j.Status == NotResponding || (report.Usage != nil || report.Progress != nil) && !j.Status.Ended() {
		return true
	}
	if len(report.Records) > 0 && report.Records[len(report.Records)-1].Seq > j.lastRecord {
		return true
	}
	return !j.Status.Ended() && s.Clock.Now().Sub(j.tokenAt) > tokenRenewal
}

// take applies a report to j.
func (j *Job) take(report compute.Report, now time.Time) {
	j.apply(happening{kind: heard}, now)
	if report.Usage != nil && !j.Status.Ended() {
		j.Usage = report.Usage
	}
	if report.Progress != nil && !j.Status.Ended() {
		j.Progress = report.Progress
	}
	if report.Runner.PID != 0 {
		j.Runner = &compute.Process{Host: report.Runner.Host, PID: report.Runner.PID}
	}
	var failure *compute.Failure // precedes the exit that it explains
	for _, record := range report.Records {
		if record.Type == compute.ErrorRecord && failure == nil {
			failure = record.Error
		}
		if record.Seq <= j.lastRecord {
			continue
		}
		j.lastRecord = record.Seq
		switch record.Type {
		case compute.StatusRecord:
			j.apply(happening{kind: reported, status: Status(record.Status)}, record.At)
		case compute.UsageRecord:
			j.Usage = record.Usage
		case compute.ProgressRecord:
			j.Progress = record.Progress
		case compute.EnvironmentRecord:
			j.EnvironmentInfo = record.Environment
		case compute.ErrorRecord:
			if j.Error == nil {
				j.Error = record.Error
			}
		case compute.ExitRecord:
			if failure == nil {
				failure = j.Error
			}
			j.Ranks = record.Ranks
			j.apply(happening{kind: exited, failure: failure, exitCode: record.ExitCode, canceled: record.Canceled}, record.At)
		}
	}
}

// renewToken returns a new token when the present one is a day old.
func (s *Service) renewToken(ctx context.Context, tx *sqldb.Tx, j *Job) (string, error) {
	if j.Status.Ended() || tx.Now().Sub(j.tokenAt) < tokenRenewal {
		return "", nil
	}
	return s.issueToken(ctx, tx, j)
}

func (s *Service) issueToken(ctx context.Context, tx *sqldb.Tx, j *Job) (string, error) {
	j.tokenAt = tx.Now()
	return s.Access.IssueTaskToken(ctx, tx, access.TaskToken{Workspace: j.workspace, Task: j.Name, Kind: atelier.JobActor,
		UserID: j.userID, ExpiresAt: tx.Now().Add(tokenLifetime)})
}

// WriteLog keeps what a job's runner sends of a log, and returns the log's size.
func (s *Service) WriteLog(ctx context.Context, ws, task, name string, offset int64, p []byte) (int64, error) {
	if err := ownTask(ctx, task); err != nil {
		return 0, err
	}
	if _, err := logName(name, MaxProcesses); err != nil {
		return 0, err
	}
	size, err := s.Logs.WriteAt(logID(ws, task, name), offset, p)
	if err == nil {
		s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.Logs, ID: task})
	}
	return size, err
}

// ownTask refuses a runner that speaks for another job than its own.
func ownTask(ctx context.Context, task string) error {
	if actor, _ := atelier.ActorFrom(ctx); actor.Kind != atelier.JobActor || actor.ID != task {
		return atelier.Errorf(atelier.Forbidden, "Only the job %q itself may report for it.", atelier.Clip(task, 60))
	}
	return nil
}

func (s *Service) noteHeard(k key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard[k] = 0
}

package endpoint

import (
	"cmp"
	"context"
	"io"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/access"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/event"
	"github.com/atelier-ml/atelier/internal/logs"
	"github.com/atelier-ml/atelier/internal/sqldb"
	"github.com/atelier-ml/atelier/internal/vault"
)

// A replica's token lasts long, so that a server that was away for a while is
// still told what happened, and is replaced every day.
const (
	tokenLifetime = 30 * 24 * time.Hour
	tokenRenewal  = 24 * time.Hour
)

// Report applies what a replica's runner tells, each record once. A runner
// whose replica is not wanted any more is told to end.
func (s *Service) Report(ctx context.Context, ws, task string, report compute.Report) (answer compute.ReportAnswer, err error) {
	if err := ownTask(ctx, task); err != nil {
		return answer, err
	}
	var before, after Replica
	err = s.change(ctx, func(tx *sqldb.Tx) error {
		answer = compute.ReportAnswer{}
		if before, err = selectReplica(ctx, tx, ws, task); err != nil {
			return err
		}
		after = before
		for _, record := range report.Records {
			after.apply(record)
		}
		if answer.Token, err = s.renewToken(ctx, tx, &after); err != nil {
			return err
		}
		answer.Acknowledged, answer.Cancel = after.lastSeq, after.State == Draining
		if after == before {
			return nil
		}
		return updateReplica(ctx, tx, after)
	})
	if err == nil && after.lastSeq != before.lastSeq {
		s.publish(ws, after.endpoint, after.deployment)
	}
	return answer, err
}

// RevealSecrets returns the values of the secrets that a replica's deployment names,
// to its runner alone.
func (s *Service) RevealSecrets(ctx context.Context, ws, task string) (compute.Secrets, error) {
	if err := ownTask(ctx, task); err != nil {
		return compute.Secrets{}, err
	}
	var d Deployment
	err := s.DB.Read(ctx, func(tx *sqldb.Tx) error {
		r, err := selectReplica(ctx, tx, ws, task)
		if err == nil {
			d, err = selectDeployment(ctx, tx, ws, r.endpoint, r.deployment)
		}
		return err
	})
	if err != nil {
		return compute.Secrets{}, err
	}
	actor, _ := atelier.ActorFrom(ctx) // has the name of the user for whom the replica runs
	values, err := s.Secrets.Reveal(ctx, ws, vault.Named(d.EnvironmentVariables),
		vault.Use{Kind: "deployment", Task: d.Endpoint + "/" + d.Name, User: atelier.Actor{Kind: atelier.User, ID: d.userID, Name: actor.Name}})
	return compute.Secrets{Values: values}, err
}

// ownTask refuses a runner that speaks for another task than its own.
func ownTask(ctx context.Context, task string) error {
	if actor, _ := atelier.ActorFrom(ctx); actor.Kind != atelier.Deployment || actor.ID != task {
		return atelier.Errorf(atelier.Forbidden, "Only the task %q itself may report for it.", atelier.Clip(task, 60))
	}
	return nil
}

// apply takes one record over. Whether a replica can be used is not taken from
// its words: the reconciler asks the worker itself.
func (r *Replica) apply(record compute.Record) {
	if record.Seq <= r.lastSeq {
		return
	}
	r.lastSeq = record.Seq
	switch record.Type {
	case compute.StatusRecord:
		r.PID = cmp.Or(record.WorkerPID, r.PID)
	case compute.RestartRecord:
		r.PID, r.Restarts = 0, &Restarts{Count: record.Restart.Count, Reason: *record.Error, At: record.At, NextAt: record.Restart.NextAt}
	case compute.ErrorRecord:
		r.Error = record.Error
	case compute.ExitRecord:
		r.State, r.PID = Terminated, 0
	}
}

// renewToken returns a new token when the present one is a day old.
func (s *Service) renewToken(ctx context.Context, tx *sqldb.Tx, r *Replica) (string, error) {
	if !r.live() || tx.Now().Sub(r.tokenAt) < tokenRenewal {
		return "", nil
	}
	d, err := selectDeployment(ctx, tx, r.workspace, r.endpoint, r.deployment)
	if atelier.CodeOf(err) == atelier.NotFound {
		return "", nil // it is about to end
	}
	if err != nil {
		return "", err
	}
	r.tokenAt = tx.Now()
	return s.issueToken(ctx, tx, *r, d.userID)
}

func (s *Service) issueToken(ctx context.Context, tx *sqldb.Tx, r Replica, userID string) (string, error) {
	return s.Access.IssueTaskToken(ctx, tx, access.TaskToken{Workspace: r.workspace, Task: r.ID, Kind: atelier.Deployment,
		UserID: userID, ExpiresAt: tx.Now().Add(tokenLifetime)})
}

// Log names, as in Azure Machine Learning's containers: what the worker prints,
// and what was done before it could start.
const (
	serverLog  = "user_logs/std_log.txt"
	prepareLog = "system_logs/environment.txt"
	runnerLog  = "system_logs/runner.txt"
)

// logID names the log of one replica.
func logID(r Replica, name string) logs.ID {
	return logs.ID{Workspace: r.workspace, Owner: "deployment/" + r.endpoint + "/" + r.deployment, Name: r.ID + "/" + name}
}

// WriteLog keeps what a replica's runner sends, and returns the log's size.
func (s *Service) WriteLog(ctx context.Context, ws, task, name string, offset int64, p []byte) (int64, error) {
	if err := ownTask(ctx, task); err != nil {
		return 0, err
	}
	var r Replica
	err := s.DB.Read(ctx, func(tx *sqldb.Tx) (err error) {
		r, err = selectReplica(ctx, tx, ws, task)
		return err
	})
	if err != nil {
		return 0, err
	}
	size, err := s.Logs.WriteAt(logID(r, name), offset, p)
	if err == nil {
		s.Bus.Publish(event.Notice{Workspace: ws, Topic: event.Logs, ID: r.endpoint + "/" + r.deployment})
	}
	if err == nil && size/maxTail > offset/maxTail {
		err = s.Logs.Keep(logID(r, name), maxLog)
	}
	return size, err
}

const (
	// maxTail bounds how much of one log is read for its last lines.
	maxTail = 4 << 20
	// maxLog bounds what a log takes of the disk, more or less: a worker may print for ever.
	maxLog = 64 << 20
)

// DeploymentLogs returns the last lines of what the deployment's replicas have
// printed: those of the present ones, or of the last one that ended. The log of
// the environment comes first, because it explains most failures.
func (s *Service) DeploymentLogs(ctx context.Context, ws, endpoint, name string, lines int) (string, error) {
	d, err := s.Deployment(ctx, ws, endpoint, name)
	if err != nil {
		return "", err
	}
	if lines <= 0 {
		lines = 5000
	}
	sources := d.Replicas
	if d.lastEnded != "" {
		ended := Replica{ID: d.lastEnded, workspace: ws, endpoint: endpoint, deployment: name}
		if len(sources) == 0 || d.State == Failed {
			sources = append([]Replica{ended}, sources...)
		}
	}
	var text strings.Builder
	for _, r := range sources {
		for _, log := range []string{prepareLog, serverLog} {
			tail, err := s.tail(logID(r, log), lines)
			if err != nil {
				return "", err
			}
			if tail == "" {
				continue
			}
			if len(sources) > 1 {
				text.WriteString("==> " + r.ID + " " + log + "\n")
			}
			text.WriteString(tail)
		}
	}
	return lastLines(text.String(), lines), nil
}

func (s *Service) tail(id logs.ID, lines int) (string, error) {
	text, err := io.ReadAll(s.Logs.Reader(id, max(0, s.Logs.Size(id)-maxTail)))
	if err != nil {
		return "", err
	}
	return lastLines(strings.ToValidUTF8(string(text), "\uFFFD"), lines), nil
}

// lastLines returns the end of text: at most n lines.
func lastLines(text string, n int) string {
	at := len(strings.TrimSuffix(text, "\n"))
	for range n {
		if at = strings.LastIndexByte(text[:at], '\n'); at < 0 {
			return text
		}
	}
	return text[at+1:]
}

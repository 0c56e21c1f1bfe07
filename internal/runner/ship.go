package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/compute"
)

// maxLogPiece bounds how much of a log one request carries.
const maxLogPiece = 1 << 20

// shipper sends the journal and the logs to the server, at once and exactly
// once, for as long as it takes.
type shipper struct {
	r      *runner
	cancel func() // called when the server wants the task to end

	acknowledged atomic.Int64
	progress     chan struct{} // receives after an acknowledgement
	logs         []*logShipper
	failed       chan error // receives when the server wants to hear no more
	group        sync.WaitGroup
}

type logShipper struct {
	stream *stream
	sent   atomic.Int64
	// progress receives after bytes were accepted.
	progress chan struct{}
}

func newShipper(r *runner, ctx context.Context, cancel func()) *shipper {
	s := &shipper{r: r, cancel: cancel, progress: make(chan struct{}, 1), failed: make(chan error, 8)}
	s.group.Go(func() { s.shipRecords(ctx) })
	for _, stream := range r.streams.all() {
		l := &logShipper{stream: stream, progress: make(chan struct{}, 1)}
		s.logs = append(s.logs, l)
		s.group.Go(func() { s.shipLog(ctx, l) })
	}
	return s
}

// shipRecords reports what is new in the journal, and that the runner lives.
func (s *shipper) shipRecords(ctx context.Context) {
	for {
		if err := s.report(ctx); err != nil {
			s.giveUp(err)
			return
		}
		select {
		case <-s.r.journal.changed:
		case <-s.r.came:
		case <-time.After(compute.HeartbeatEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (s *shipper) report(ctx context.Context) error {
	report := compute.Report{
		Runner:  compute.Process{Host: hostname(), PID: os.Getpid()},
		Records: s.r.journal.after(s.acknowledged.Load()),
		Usage:   s.r.usage.Load(), Progress: s.r.progress.Load(),
	}
	if report.Records == nil {
		report.Records = []compute.Record{}
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	var answer compute.ReportAnswer
	path := "/tasks/" + url.PathEscape(s.r.task.ID) + "/report"
	if err := s.r.server.tell(ctx, http.MethodPost, path, content(text), &answer); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if answer.Token != "" {
		s.r.server.renew(answer.Token)
	}
	if answer.Cancel {
		s.cancel()
	}
	s.acknowledged.Store(answer.Acknowledged)
	wake(s.progress)
	return nil
}

// shipLog sends one log as it grows. The server answers how much it has, which
// is more than was sent when an earlier runner of the task sent a part.
func (s *shipper) shipLog(ctx context.Context, l *logShipper) {
	for {
		for l.sent.Load() < l.stream.size.Load() {
			if err := s.sendPiece(ctx, l); err != nil {
				s.giveUp(fmt.Errorf("ship %s: %w", l.stream.name, err))
				return
			}
			wake(l.progress)
		}
		select {
		case <-l.stream.changed:
		case <-ctx.Done():
			return
		}
	}
}

func (s *shipper) sendPiece(ctx context.Context, l *logShipper) error {
	offset := l.sent.Load()
	piece := make([]byte, min(maxLogPiece, l.stream.size.Load()-offset))
	if _, err := l.stream.file.ReadAt(piece, offset); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	query := url.Values{"name": {l.stream.name}, "offset": {fmt.Sprint(offset)}}
	path := "/tasks/" + url.PathEscape(s.r.task.ID) + "/logs?" + query.Encode()
	var answer struct {
		Size int64 `json:"size"`
	}
	err := s.r.server.tell(ctx, http.MethodPut, path, content(piece), &answer)
	if atelier.CodeOf(err) == atelier.Precondition && offset > 0 {
		l.sent.Store(0) // the server lost the end of its copy to a power cut
		return nil
	}
	if err != nil {
		return err
	}
	l.sent.Store(answer.Size)
	return l.stream.sent(answer.Size)
}

// giveUp notes that the server wants to hear no more from this task: it was
// deleted, or its token withdrawn. The command is ended, for nobody would
// learn what it does.
func (s *shipper) giveUp(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.r.log.Error("the server does not accept the task's news", "error", err, "code", atelier.CodeOf(err))
	s.failed <- err
	s.cancel()
}

// drainLogs returns once the server has every byte of what the command printed.
func (s *shipper) drainLogs() error {
	for _, l := range s.logs {
		if l.stream.name == runnerLog {
			continue // the runner itself is still talking
		}
		if err := s.until(l.progress, func() bool { return l.sent.Load() >= l.stream.size.Load() }); err != nil {
			return err
		}
	}
	return nil
}

// finish returns once the server has acknowledged every record.
func (s *shipper) finish() error {
	return s.until(s.progress, func() bool { return len(s.r.journal.after(s.acknowledged.Load())) == 0 })
}

func (s *shipper) until(progress <-chan struct{}, done func() bool) error {
	for !done() {
		select {
		case <-progress:
		case err := <-s.failed:
			s.failed <- err // others wait for it too
			return err
		}
	}
	return nil
}

func wake(sleeper chan struct{}) {
	select {
	case sleeper <- struct{}{}:
	default:
	}
}

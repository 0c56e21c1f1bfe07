package runner

import (
	"context"
	"fmt"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/runlog"
)

// journalsFolder is where scripts with our own SDK keep what they log.
const journalsFolder = "journals"

// shipLogged returns once the server has all that the command logged: what the
// relay answered in its place, and what a script left in its journals because it
// was killed, or would not wait.
func (r *runner) shipLogged(ctx context.Context) error {
	if err := r.queue.idle(ctx); err != nil {
		return err
	}
	folders, err := runlog.Find(r.workPath(journalsFolder))
	if err != nil || len(folders) == 0 {
		return nil // prepared, but never written to
	}
	relay, err := startRelay(r.server, r.queue, r.dir)
	if err != nil {
		return err
	}
	defer relay.close()
	api, err := client.New(client.Config{Server: relay.url, Token: relay.secret, Workspace: r.task.Workspace, UserAgent: "atelier-runner"})
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if failed := r.shipJournal(ctx, api, folder); failed != nil {
			err = failed
		}
	}
	if idle := r.queue.idle(ctx); idle != nil {
		return idle
	}
	return err
}

// shipJournal ships one journal, for as long as it takes.
func (r *runner) shipJournal(ctx context.Context, api *client.Client, folder string) error {
	options := runlog.Options{Connect: func(runlog.Run) (*client.Client, error) { return api, nil }, Delete: true}
	for {
		result, err := runlog.Sync(ctx, folder, options)
		for _, refusal := range result.Refused {
			r.tell(fmt.Sprintf("the server refused the %s %q that the run %s logged: %s", refusal.Type, refusal.Key+refusal.Path, result.Run, refusal.Message))
		}
		for _, damage := range result.Damage {
			r.tell(fmt.Sprintf("the journal of the run %s: %s", result.Run, damage))
		}
		if atelier.CodeOf(err) != atelier.Unavailable {
			if err != nil {
				err = fmt.Errorf("what a script logged to the run %s could not be stored: %w", result.Run, err)
			}
			return err
		}
		if err := r.server.wait(ctx, lastPause); err != nil {
			return err
		}
	}
}

// tellRefused says what became of a write whose client was answered long ago.
func (r *runner) tellRefused(w queuedWrite, why string) {
	r.tell(fmt.Sprintf("the server refused what was logged while it was away (%s): %s", w.What, why))
}

// tell writes a line for people into the job's own log: nobody else is left to be
// told.
func (r *runner) tell(message string) {
	r.log.Warn(message)
	fmt.Fprintf(r.streams.command, "atelier: %s\n", message)
}

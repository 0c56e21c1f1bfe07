package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/runlog"
)

const envJournals = "ATELIER_JOURNAL_DIR"

const syncLong = `Ship what scripts logged while their server could not be reached, or had not
sent yet when they were killed. The Python SDK keeps it in journals, in the
folder .atelier of where the script ran unless it was told another.

FOLDER is a journal or any folder above some; without one it is
ATELIER_JOURNAL_DIR, else .atelier. Each journal goes to the server and the
workspace that it was written for, unless --server or --workspace say otherwise.

Everything arrives once, however often the command is stopped and repeated.
What was shipped is marked in its folder, or deleted with --delete. Journals
that a script still writes are left to it. A run whose process was killed on
this machine ends as KILLED. Damaged parts of a journal are named, and what is
before and after them is shipped.`

func (c *command) syncCommand() *cobra.Command {
	var options runlog.Options
	cmd := &cobra.Command{
		Use:   "sync [FOLDER]",
		Short: "Ship what scripts logged while the server was away",
		Long:  syncLong,
		Example: "  atelier sync\n" +
			"  atelier sync /scratch/study --dry-run\n" +
			"  atelier sync .atelier --delete",
		Args: cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	flags.BoolVar(&options.DryRun, "dry-run", false, "say what would be sent, but send nothing")
	flags.BoolVar(&options.Delete, "delete", false, "delete the journals of which the server has everything")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root := c.st.path(first(append(args, c.st.Env[envJournals], ".atelier")...))
		folders, err := runlog.Find(root)
		if errors.Is(err, fs.ErrNotExist) && len(args) == 0 {
			folders, err = nil, nil // nobody logged here yet
		}
		if err != nil {
			return atelier.Errorf(atelier.NotFound, "%s cannot be read: %w.", c.st.shown(root), err)
		}
		options.Connect = c.connectJournal
		results := make([]runlog.Result, 0, len(folders))
		line := c.progress("")
		for i, folder := range folders {
			options.Tell = func(r runlog.Result) {
				line.say(false, "Journal %d of %d, %s points and %s sent", i+1, len(folders), grouped(r.Sent.Points), bytesText(r.Sent.Bytes))
			}
			result, err := runlog.Sync(cmd.Context(), folder, options)
			if cmd.Context().Err() != nil {
				line.close()
				return err
			}
			results = append(results, result)
		}
		line.close()
		return c.reportSync(results, options.DryRun)
	}
	return cmd
}

// connectJournal returns a client for the server that a journal was written for.
// A journal may have come from elsewhere, like a config.json: the token in the
// environment goes to no server that only it names.
func (c *command) connectJournal(run runlog.Run) (*client.Client, error) {
	to, err := c.target()
	if err != nil {
		return nil, err
	}
	if run.Server != "" && c.server == "" && run.Server != to.server {
		to.server, to.named = run.Server, true
	}
	if run.Workspace != "" && c.workspace == "" {
		to.workspace = run.Workspace
	}
	token, err := c.token(to)
	if err == nil && token == "" {
		err = atelier.Errorf(atelier.Unauthenticated, "The journal is for the server %s, of which there is no token here.", atelier.Clip(to.server, 120)).
			WithHint("Sign in there with `atelier sign-in`, or name another server with --server.")
	}
	if err != nil {
		return nil, err
	}
	return c.clientFor(to, token)
}

// reportSync prints what became of every journal, then everything that is wrong.
func (c *command) reportSync(results []runlog.Result, dryRun bool) error {
	err := c.emit(results, func() table {
		t := table{header: []string{"journal", "state", "points", "params", "tags", "files", "refused"}, empty: "There are no journals here."}
		for _, r := range results {
			t.rows = append(t.rows, []string{c.st.shown(r.Folder), r.State, grouped(r.Sent.Points), grouped(r.Sent.Params),
				grouped(r.Sent.Tags), grouped(r.Sent.Artifacts), strconv.Itoa(len(r.Refused))})
		}
		return t
	})
	if err != nil {
		return err
	}
	for _, r := range results {
		name := filepath.Base(r.Folder)
		for _, d := range r.Damage {
			fmt.Fprintf(c.st.Stderr, "%s: %s\n", name, plain(d.String()))
		}
		for _, refusal := range r.Refused {
			fmt.Fprintf(c.st.Stderr, "%s: refused %s %q: %s\n", name, plain(refusal.Type), first(refusal.Key, refusal.Path), plain(refusal.Message))
		}
		if r.Killed && !dryRun {
			fmt.Fprintf(c.st.Stderr, "%s: its process ended without ending the run; the run is KILLED now.\n", name)
		}
		if r.Error != "" {
			fmt.Fprintf(c.st.Stderr, "%s: %s\n", name, plain(r.Error))
		}
	}
	if dryRun {
		c.done("Nothing was sent.")
		return nil
	}
	return runlog.Failed(results)
}

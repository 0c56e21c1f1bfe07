package cli

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/sweep"
	"github.com/atelier-ml/atelier/internal/tracking"
)

const gcLong = `Free the stored bytes of the workspace that nothing refers to: no run or logged
model, deleted or not, no registered version, no job and no deployment. Deleted
runs keep theirs until they are purged: ` + "`atelier run purge`" + `.

What was uploaded or asked for within --grace is left alone, because somebody may
be about to use it.`

func (c *command) gcCommand() *cobra.Command {
	var options sweep.Options
	cmd := &cobra.Command{
		Use:     "gc",
		Short:   "Free stored bytes that nothing refers to",
		Long:    gcLong,
		Example: "  atelier gc --dry-run\n  atelier gc",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&options.DryRun, "dry-run", false, "only show what would be freed")
	cmd.Flags().DurationVar(&options.Grace, "grace", sweep.Grace, "leave alone what was used within this time; at least 1h")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return c.onServer(func(api *client.Client) error {
			done := c.watchSweep(cmd.Context(), api)
			result, err := api.Sweep(cmd.Context(), options)
			done()
			if err != nil {
				return err
			}
			return c.emit(result, func() table {
				return facts(
					[2]string{conditional("freed", result.DryRun), objectsText(result.FreedObjects, result.FreedBytes)},
					[2]string{conditional("kept", result.DryRun), objectsText(result.KeptObjects, result.KeptBytes)})
			})
		})
	}
	return cmd
}

// sweepLook is how often a person sees how far a sweep has come.
const sweepLook = 500 * time.Millisecond

// watchSweep shows a person how far the sweep has come, until done is called.
func (c *command) watchSweep(ctx context.Context, api *client.Client) (done func()) {
	if !c.st.StderrTerminal || c.quiet {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	line := c.progress("")
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.st.Clock.After(sweepLook):
			}
			switch p, err := api.SweepProgress(ctx); {
			case err != nil || !p.Running: // what is wrong, the sweep itself will say
			case p.Phase == sweep.Freeing:
				line.say(false, "Freeing %s of %s objects", grouped(p.Done), grouped(p.Total))
			case p.Phase == sweep.Marking:
				line.say(false, "Following references; there are %s objects", grouped(p.Done))
			default:
				line.say(false, "Listing objects: %s", grouped(p.Done))
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
		line.close()
	}
}

func objectsText(objects, size int64) string {
	if objects == 1 {
		return "1 object, " + bytesText(size)
	}
	return strconv.FormatInt(objects, 10) + " objects, " + bytesText(size)
}

// conditional says of a dry run that nothing was done.
func conditional(done string, dryRun bool) string {
	if dryRun {
		return "would be " + done
	}
	return done
}

const purgeLong = `Remove runs for good, with all that they logged and their jobs. They cannot be
restored. A run goes when every rule that is given applies to it:

  --deleted-before AGE   it was deleted longer ago than that
  --ended-before AGE     it ended longer ago than that
  --experiment NAME      it is in one of these experiments
  --status STATUS        it ended so
  --keep-best N          it is not among the N best of its experiment by --metric

Only deleted runs go, unless --include-active says otherwise. A run stays while a
registered version, a deployment or a child that stays refers to it, and the
answer says which. ` + "`atelier gc`" + ` then frees the bytes that nothing else refers to.`

// purgeFlags are the flags of a purge as people write them.
type purgeFlags struct {
	deleted, ended, metric, order string
	status                        []string
	best                          int
	yes                           bool
}

func (c *command) runPurge() *cobra.Command {
	var f purgeFlags
	var which tracking.Purge
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Remove runs for good, by age, result or status",
		Long:  purgeLong,
		Example: "  atelier run purge --deleted-before 30d --dry-run\n  atelier run purge --deleted-before 30d --yes\n" +
			"  atelier run purge --experiment diabetes --keep-best 10 --metric rmse --order min --include-active --dry-run",
		Args: cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.deleted, "deleted-before", "", "how long ago it was deleted, as in 30d or 12h")
	flags.StringVar(&f.ended, "ended-before", "", "how long ago it ended, as in 90d")
	flags.StringArrayVarP(&which.Experiments, "experiment", "e", nil, "name or id of an experiment; may be repeated (default: all)")
	flags.StringArrayVar(&f.status, "status", nil, "FINISHED, FAILED or KILLED; may be repeated (default: all)")
	flags.IntVar(&f.best, "keep-best", 0, "how many runs of each experiment stay; with --metric")
	flags.StringVar(&f.metric, "metric", "", "by which metric runs are the best")
	flags.StringVar(&f.order, "order", "max", "max when the greatest value is the best, else min")
	flags.BoolVar(&which.IncludeActive, "include-active", false, "remove runs that nobody deleted, too")
	flags.BoolVar(&which.DryRun, "dry-run", false, "only show what would be removed")
	flags.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	cmd.MarkFlagsRequiredTogether("keep-best", "metric")
	cmd.MarkFlagsOneRequired("deleted-before", "ended-before", "keep-best")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.read(c.st.Clock.Now(), cmd.Flags().Changed("keep-best"), &which); err != nil {
			return err
		}
		what := "deleted runs"
		if which.IncludeActive {
			what = "runs, also ones that nobody deleted,"
		}
		if err := c.confirm(f.yes || which.DryRun, "Remove %s to which these rules apply, for good? (--dry-run shows which)", what); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			done, err := api.PurgeRuns(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.emit(done, func() table { return purgedTable(done) })
		})
	}
	return cmd
}

func (f purgeFlags) read(now time.Time, keepBest bool, which *tracking.Purge) error {
	for _, age := range []struct {
		flag, text string
		to         *time.Time
	}{{"--deleted-before", f.deleted, &which.DeletedBefore}, {"--ended-before", f.ended, &which.EndedBefore}} {
		if age.text == "" {
			continue
		}
		ago, err := readAge(age.flag, age.text)
		if err != nil {
			return err
		}
		*age.to = now.Add(-ago)
	}
	for _, status := range f.status {
		which.Status = append(which.Status, tracking.RunStatus(strings.ToUpper(status)))
	}
	if keepBest {
		which.KeepBest = &tracking.Best{Count: f.best, Metric: f.metric, Order: tracking.Order(f.order)}
	}
	return nil
}

func purgedTable(done tracking.Purged) table {
	removed := conditional("removed", done.DryRun)
	t := facts([2]string{"runs " + removed, strconv.Itoa(done.Runs)}, [2]string{"logged models " + removed, strconv.Itoa(done.LoggedModels)})
	if done.Experiments > 0 {
		t.rows = append([][]string{{"experiments " + removed, strconv.Itoa(done.Experiments)}}, t.rows...)
	}
	t.rows = append(t.rows,
		[]string{"metrics " + conditional("freed", done.DryRun), bytesText(done.MetricBytes)},
		[]string{"left for `atelier gc`", objectsText(done.Objects, done.Bytes)},
		[]string{"kept", strconv.Itoa(done.Kept)})
	for _, kept := range done.Reasons {
		t.rows = append(t.rows, []string{"  " + kept.ID, kept.Reason})
	}
	return t
}

// readAge reads a time in days, or as Go writes it.
func readAge(flag, text string) (time.Duration, error) {
	age, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		age = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || age < 0 {
		return 0, atelier.Errorf(atelier.Invalid, "%q is not a length of time.", atelier.Clip(text, 40)).At(flag).
			WithHint("Write it like 30d or 12h.")
	}
	return age, nil
}

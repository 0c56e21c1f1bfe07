package cli

import (
	"strconv"
	"strings"
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
			result, err := api.Sweep(cmd.Context(), options)
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

const purgeLong = `Remove for good the runs that were deleted longer ago than --deleted-before, with
all that they logged and their jobs. They cannot be restored. ` + "`atelier gc`" + ` then
frees the bytes that nothing else refers to.`

func (c *command) runPurge() *cobra.Command {
	var age string
	var which tracking.Purge
	var yes bool
	cmd := &cobra.Command{
		Use:     "purge --deleted-before AGE",
		Short:   "Remove runs that were deleted long ago, for good",
		Long:    purgeLong,
		Example: "  atelier run purge --deleted-before 30d --dry-run\n  atelier run purge --deleted-before 30d --yes",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&age, "deleted-before", "", "how long ago, as in 30d or 12h")
	cmd.Flags().BoolVar(&which.DryRun, "dry-run", false, "only show what would be removed")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.MarkFlagRequired("deleted-before")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ago, err := readAge("--deleted-before", age)
		if err != nil {
			return err
		}
		which.DeletedBefore = c.st.Clock.Now().Add(-ago)
		if err := c.confirm(yes || which.DryRun, "Remove the runs deleted more than %s ago for good?", age); err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			done, err := api.PurgeRuns(cmd.Context(), which)
			if err != nil {
				return err
			}
			return c.emit(done, func() table {
				return facts(
					[2]string{"runs " + conditional("removed", done.DryRun), strconv.Itoa(done.Runs)},
					[2]string{"logged models " + conditional("removed", done.DryRun), strconv.Itoa(done.LoggedModels)},
					[2]string{"runs kept for now", strconv.Itoa(done.Kept)})
			})
		})
	}
	return cmd
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

package cli

import (
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
)

func (c *command) auditCommand() *cobra.Command {
	return noun("audit", "See who did what, and what was refused", c.auditList(), c.auditExport())
}

// auditOptions pick entries of the audit log.
type auditOptions struct {
	actor, action, resource, outcome, since, until string
	everything                                     bool
}

func (o *auditOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.actor, "actor", "", "by whom")
	flags.StringVar(&o.action, "action", "", "which action, as in members/*")
	flags.StringVar(&o.resource, "resource", "", "a part of the address of what it was about")
	flags.StringVar(&o.outcome, "outcome", "", "done or refused")
	flags.StringVar(&o.since, "since", "", "from this time on: 2026-01-02, 2026-01-02T03:04:05Z, or an age such as 7d")
	flags.StringVar(&o.until, "until", "", "before this time")
	flags.BoolVar(&o.everything, "all", false, "of the whole server, as its owner")
}

func (c *command) auditFilter(o auditOptions) (url.Values, error) {
	filter := url.Values{}
	for name, value := range map[string]string{"actor": o.actor, "action": o.action, "resource": o.resource, "outcome": o.outcome} {
		if value != "" {
			filter.Set(name, value)
		}
	}
	for name, text := range map[string]string{"since": o.since, "until": o.until} {
		if text == "" {
			continue
		}
		when, err := c.readTime("--"+name, text)
		if err != nil {
			return nil, err
		}
		filter.Set(name, when.UTC().Format(time.RFC3339Nano))
	}
	return filter, nil
}

// readTime reads a day, a time, or an age.
func (c *command) readTime(flag, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if when, err := time.Parse(layout, text); err == nil {
			return when, nil
		}
	}
	age, err := readAge(flag, text)
	if err != nil {
		return time.Time{}, atelier.Errorf(atelier.Invalid, "%q is no time.", atelier.Clip(text, 60)).At(flag).
			WithHint("Write 2026-01-02, 2026-01-02T03:04:05Z, or an age such as 7d.")
	}
	return c.st.Clock.Now().Add(-age), nil
}

func (c *command) auditList() *cobra.Command {
	var options auditOptions
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List who did what and what was refused, newest first",
		Example: "  atelier audit list --actor mina --since 7d\n  atelier audit list --action \"members/*\" --outcome refused",
		Args:    cobra.NoArgs,
	}
	options.addTo(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most how many")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		filter, err := c.auditFilter(options)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			all, err := api.Audit(cmd.Context(), options.everything, filter, limit)
			if err != nil {
				return err
			}
			return c.emit(all, func() table {
				t := table{header: []string{"time", "who", "action", "resource", "outcome", "times", "from"}, empty: "There is nothing of that in the audit log."}
				for _, e := range all {
					t.rows = append(t.rows, []string{c.at(e.At), first(e.Actor, "nobody"), e.Action, e.Resource, first(e.Code, e.Outcome), strconv.Itoa(e.Times), e.Address})
				}
				return t
			})
		})
	}
	return cmd
}

func (c *command) auditExport() *cobra.Command {
	var options auditOptions
	var format string
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write the audit log as JSON lines or CSV",
		Example: "  atelier audit export --since 30d > audit.jsonl\n  atelier audit export --format csv --all > audit.csv",
		Args:    cobra.NoArgs,
	}
	options.addTo(cmd)
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl or csv")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if format != "jsonl" && format != "csv" {
			return atelier.Errorf(atelier.Invalid, "%q is no form of the log.", atelier.Clip(format, 60)).At("--format").WithHint("Use jsonl or csv.")
		}
		filter, err := c.auditFilter(options)
		if err != nil {
			return err
		}
		filter.Set("format", format)
		return c.onServer(func(api *client.Client) error {
			return api.ExportAudit(cmd.Context(), options.everything, filter, c.st.Stdout)
		})
	}
	return cmd
}

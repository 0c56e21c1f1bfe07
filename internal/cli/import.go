package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/transfer"
)

func (c *command) importCommand() *cobra.Command {
	return noun("import", "Bring history from elsewhere", c.importMLflow())
}

const importLong = `Bring experiments, runs with all their points and artifacts, and the registry
from MLflow: from the folder of its file store (mlruns), one of its SQLite or
PostgreSQL databases, or a running server. Runs keep their ids. What is here
already is not sent again, so an import that was stopped goes on where it was,
and one that is repeated brings only what is new at the source.

At the end both sides are counted. The command ends with 0 only if they agree,
and names every difference otherwise.

A server is asked with MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
MLFLOW_TRACKING_PASSWORD, as MLflow's own client does.`

func (c *command) importMLflow() *cobra.Command {
	var options transfer.Options
	var artifacts string
	cmd := &cobra.Command{
		Use:   "mlflow PATH-OR-URI",
		Short: "Import from MLflow: a folder, a database or a server",
		Long:  importLong,
		Example: "  atelier import mlflow ./mlruns\n" +
			"  atelier import mlflow sqlite:///mlflow.db --artifacts ./mlartifacts\n" +
			"  atelier import mlflow http://mlflow.example.com --experiment churn --dry-run",
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&options.Experiments, "experiment", "e", nil, "name or id of an experiment at the source; may be repeated (default: all)")
	flags.StringVar(&artifacts, "artifacts", "", "folder that holds the artifacts, when the source does not say where they are")
	flags.BoolVar(&options.DryRun, "dry-run", false, "read and compare, but send nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		place := transfer.Place{Target: c.importTarget(args[0]), Login: transfer.Login{Token: c.st.Env["MLFLOW_TRACKING_TOKEN"],
			User: c.st.Env["MLFLOW_TRACKING_USERNAME"], Password: c.st.Env["MLFLOW_TRACKING_PASSWORD"]}}
		if artifacts != "" {
			place.Artifacts = c.st.path(artifacts)
		}
		return c.onServer(func(api *client.Client) error {
			source, err := transfer.Open(cmd.Context(), place)
			if err != nil {
				return err
			}
			defer source.Close()
			line := c.progress("")
			options.Progress = func(p transfer.Progress) {
				line.say(p.Runs == p.Total, "Run %d of %d, %s points and %s sent", p.Runs, p.Total, grouped(p.Points), bytesText(p.Bytes))
			}
			report, err := transfer.New(source, api, options).Run(cmd.Context())
			line.close()
			if err != nil {
				return err
			}
			return c.reportImport(report)
		})
	}
	return cmd
}

// importTarget makes a path absolute and leaves addresses alone. An address of
// SQLite is one of a file: sqlite:///relative.db, sqlite:////absolute.db.
func (c *command) importTarget(target string) string {
	if file, ok := strings.CutPrefix(target, "sqlite:///"); ok {
		target = file
	}
	if strings.Contains(target, "://") {
		return target
	}
	return c.st.path(strings.TrimPrefix(target, "file:"))
}

// reportImport prints what there is on both sides, then every difference.
func (c *command) reportImport(report transfer.Report) error {
	err := c.emit(report, func() table {
		t := table{header: []string{"", "source", "here"}}
		for _, row := range report.Rows() {
			t.rows = append(t.rows, []string{row.Name, grouped(row.Source), grouped(row.Here)})
		}
		return t
	})
	if err != nil {
		return err
	}
	for _, difference := range report.Differences {
		fmt.Fprintln(c.st.Stderr, plain(difference))
	}
	if report.Traces > 0 {
		c.done("The source has %s traces, which are not brought.", grouped(int64(report.Traces)))
	}
	if report.Bare > 0 {
		c.done("%s runs have no artifacts at the source. If they should, give the folder with --artifacts.", grouped(int64(report.Bare)))
	}
	switch {
	case report.DryRun:
		c.done("Nothing was sent. %d experiments, runs, models and versions would be made or completed; %d are here already.", report.Changed, report.Same)
		return nil
	case !report.Agrees():
		return atelier.Errorf(atelier.Conflict, "The two sides differ in %d ways.", max(1, len(report.Differences)))
	case report.Changed == 0:
		c.done("Both sides agree. Everything was here already.")
	default:
		c.done("Both sides agree. %d experiments, runs, models and versions were made or completed; %d were here already.", report.Changed, report.Same)
	}
	return nil
}

// grouped writes a number in groups of three digits.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

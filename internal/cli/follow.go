package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/job"
)

// follow prints one of a job's logs until the job has ended, then one line on
// how. It returns jobEnded for a job that did not complete. Ctrl-C leaves the
// job alone.
func (c *command) follow(ctx context.Context, api *client.Client, name, log string) error {
	to := c.st.Stdout
	if c.form != formTable {
		to = c.st.Stderr // standard output is for the job's own description
	}
	told := &teller{c: c, log: to}
	err := api.FollowLog(ctx, name, log, told.hear)
	if ctx.Err() != nil {
		c.done("\nDetached; the job goes on. `atelier job stream %s` comes back to it, `atelier job cancel %s` ends it.", name, name)
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	ended, err := api.GetJob(ctx, name)
	if err != nil {
		return err
	}
	told.endLine()
	if c.form != formTable {
		if err := c.emit(ended, nil); err != nil {
			return err
		}
	}
	c.sayHowItEnded(ended)
	if ended.Status != job.Completed {
		return jobEnded{status: string(ended.Status)}
	}
	return nil
}

// teller prints log text as it comes, and news about the job to people.
type teller struct {
	c      *command
	log    io.Writer
	status string
	begun  bool // the log's last line has not ended
}

func (t *teller) hear(news client.News) error {
	switch {
	case news.Text != "":
		t.begun = !strings.HasSuffix(news.Text, "\n")
		_, err := io.WriteString(t.log, news.Text)
		return err
	case news.Lost:
		t.remark("The connection to the server was lost; waiting for it.")
	case news.Status != "" && news.Status != t.status:
		t.status = news.Status
		if !job.Status(t.status).Ended() {
			t.remark("%s", statusText(t.status))
		}
	}
	return nil
}

func (t *teller) remark(format string, args ...any) {
	if !t.c.quiet {
		t.endLine()
	}
	t.c.done(format, args...)
}

// endLine keeps a remark from being put behind the log's last line where both
// are on one screen.
func (t *teller) endLine() {
	if t.begun && t.c.st.StdoutTerminal && t.c.st.StderrTerminal {
		fmt.Fprintln(t.c.st.Stderr)
	}
	t.begun = false
}

// statusText says "CancelRequested" as people would.
func statusText(status string) string {
	var words []string
	start := 0
	for i, r := range status {
		if i > start && r >= 'A' && r <= 'Z' {
			words = append(words, status[start:i])
			start = i
		}
	}
	text := strings.Join(append(words, status[start:]), " ")
	return text[:min(1, len(text))] + strings.ToLower(text[min(1, len(text)):])
}

func (c *command) sayHowItEnded(j job.Job) {
	line := string(j.Status)
	if took := c.took(j); took != "" {
		word := " after "
		if j.Status == job.Completed {
			word = " in "
		}
		line += word + took
	}
	switch {
	case j.Error != nil && j.Error.Message != "":
		line += ": " + j.Error.Message
	case j.Status == job.Failed && j.ExitCode != nil:
		line += ", exit code " + strconv.Itoa(*j.ExitCode) + "."
	default:
		line += "."
	}
	if j.Status == job.Completed {
		c.done("%s", line)
		return
	}
	fmt.Fprintln(c.st.Stderr, line) // also when quiet: it is why the exit code is 10
}

func (c *command) showJob(api *client.Client, j job.Job) error {
	return c.emit(j, func() table {
		lines := [][2]string{
			{"name", j.Name},
			{"display name", j.DisplayName},
			{"status", string(j.Status)},
			{"experiment", j.ExperimentName},
			{"description", j.Description},
			{"tags", pairs(j.Tags)},
			{"command", j.Command},
			{"batch endpoint", batchText(j)},
			{"progress", progressText(j.Progress)},
			{"compute", j.Compute},
			{"environment", environmentText(j)},
			{"created by", j.CreatedBy},
			{"created", c.at(j.CreatedAt)},
			{"started", c.atMaybe(j.StartedAt)},
			{"took", c.took(j)},
		}
		if j.ExitCode != nil {
			lines = append(lines, [2]string{"exit code", strconv.Itoa(*j.ExitCode)})
		}
		for _, rank := range j.Ranks {
			lines = append(lines, [2]string{"process " + strconv.Itoa(rank.Rank), rankText(rank)})
		}
		if j.Error != nil {
			lines = append(lines, [2]string{"error", j.Error.Message})
		}
		if j.Usage != nil && j.Usage.MemoryPeakBytes > 0 {
			lines = append(lines, [2]string{"peak memory", bytesText(j.Usage.MemoryPeakBytes)})
		}
		return facts(append(lines, [2]string{"studio", studioRun(api, j.Name)})...)
	})
}

// batchText is what a batch job scores with.
func batchText(j job.Job) string {
	if j.Batch == nil {
		return ""
	}
	return j.Batch.Endpoint + ", deployment " + j.Batch.Deployment
}

// rankText is how a process of a job ended, and where its log is.
func rankText(rank compute.Rank) string {
	ended := "ended with the others"
	if rank.ExitCode != nil {
		ended = "exit code " + strconv.Itoa(*rank.ExitCode)
	}
	return strings.TrimSpace(rank.Role+" "+ended) + ", " + rank.Log
}

// environmentText is how a job's environment is called.
func environmentText(j job.Job) string {
	if e := j.EnvironmentInfo; e != nil && e.Name != "" {
		return strings.TrimRight(e.Name+":"+e.Version, ":")
	}
	return first(j.Environment.Reference, j.Environment.Name)
}

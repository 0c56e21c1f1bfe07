package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/client"
	"github.com/atelier-ml/atelier/internal/endpoint"
)

func (c *command) endpointRollout() *cobra.Command {
	var ask endpoint.StartRollout
	var stepTime time.Duration
	var minRequests int
	var maxErrors, maxLatency float64
	var noWait bool
	cmd := &cobra.Command{
		Use:   "rollout NAME --to DEPLOYMENT",
		Short: "Move an endpoint's traffic to a deployment step by step, watching it",
		Long: `Move an endpoint's traffic to a deployment step by step. When significantly more
of its requests fail than of those to the other deployments, or take longer, all
traffic goes back to where it was, and the reason is told. The server does this;
the command only follows it, and may be interrupted.`,
		Example: "  atelier online-endpoint rollout diabetes --to green\n" +
			"  atelier online-endpoint rollout diabetes --to green --steps 5,50,100 --step-time 1h --max-latency-increase 10",
	}
	flags := cmd.Flags()
	flags.StringVar(&ask.Deployment, "to", "", "the deployment that the traffic moves to")
	flags.IntSliceVar(&ask.Steps, "steps", []int{10, 25, 50, 100}, "its shares in percent, one after another")
	flags.DurationVar(&stepTime, "step-time", 5*time.Minute, "how long each step lasts at least")
	flags.IntVar(&minRequests, "min-requests", 50, "requests that it must have answered in a step before the next")
	flags.Float64Var(&maxErrors, "max-error-increase", 1, "percent points of requests that may fail above those of the others")
	flags.Float64Var(&maxLatency, "max-latency-increase", 25, "percent by which the mean latency may be above that of the others")
	flags.BoolVar(&noWait, "no-wait", false, "do not follow it")
	cmd.MarkFlagRequired("to")
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		if stepTime < time.Second {
			return atelier.Errorf(atelier.Invalid, "A step of %s is too short.", stepTime).At("--step-time").WithHint("Give at least 1s.")
		}
		ask.StepSeconds, ask.MinRequests = int(stepTime.Seconds()), &minRequests
		ask.MaxErrorIncrease, ask.MaxLatencyIncrease = &maxErrors, &maxLatency
		return c.onServer(func(api *client.Client) error {
			e, err := api.StartRollout(cmd.Context(), which, ask)
			if err != nil {
				return err
			}
			return c.followRollout(cmd.Context(), api, e, noWait)
		})
	}
	return cmd
}

// followRollout tells each step of a rollout until it ends, and shows the endpoint.
func (c *command) followRollout(ctx context.Context, api *client.Client, e endpoint.Endpoint, noWait bool) error {
	began, told := e.Rollout.StartedAt, ""
	for away := 0; ; {
		if line := rolloutLine(e.Rollout); line != told && !noWait {
			told = line
			c.done("%s", line)
		}
		if noWait || e.Rollout.State != endpoint.RolloutRunning {
			break
		}
		select {
		case <-ctx.Done():
			c.done("The rollout goes on. `atelier online-endpoint show %s` says how it is; `stop-rollout` moves the traffic back.", e.Name)
			return ctx.Err()
		case <-c.st.Clock.After(settleStep):
		}
		now, err := api.GetEndpoint(ctx, e.Name)
		switch {
		case err == nil && (now.Rollout == nil || !now.Rollout.StartedAt.Equal(began)):
			return atelier.Errorf(atelier.Conflict, "Another rollout of the endpoint %q has begun.", e.Name)
		case err == nil:
			e, away = now, 0
		case atelier.CodeOf(err) == atelier.Unavailable && away < settleAway:
			away++ // it goes on without this command, and with the server's next start
		default:
			return err
		}
	}
	if err := c.showEndpoint(e); err != nil {
		return err
	}
	if e.Rollout.State == endpoint.RolloutRolledBack {
		return atelier.Errorf(atelier.Precondition, "The traffic went back: %s", e.Rollout.Reason).
			WithHint("`atelier online-deployment get-logs -e %s -n %s` shows what the deployment printed.", e.Name, e.Rollout.Deployment)
	}
	return nil
}

// rolloutLine tells how far a rollout is.
func rolloutLine(r *endpoint.Rollout) string {
	if r == nil {
		return ""
	}
	line := fmt.Sprintf("%s: %d percent to %s (step %d of %d)", r.State, r.Steps[r.Step], r.Deployment, r.Step+1, len(r.Steps))
	if r.Reason != "" {
		line += ". " + r.Reason
	}
	return line
}

func (c *command) endpointStopRollout() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:     "stop-rollout NAME",
		Short:   "Stop moving an endpoint's traffic, and move it back",
		Example: "  atelier online-endpoint stop-rollout diabetes\n  atelier online-endpoint stop-rollout diabetes --keep-traffic",
	}
	cmd.Flags().BoolVar(&keep, "keep-traffic", false, "leave the traffic as it is instead of moving it back")
	name := named(cmd, "endpoint")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		which, err := name(args)
		if err != nil {
			return err
		}
		return c.onServer(func(api *client.Client) error {
			e, err := api.StopRollout(cmd.Context(), which, keep)
			if err != nil {
				return err
			}
			return c.showEndpoint(e)
		})
	}
	return cmd
}

package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/environment"
)

// ListEnvironments returns the curated environments and those that the
// workspace has used.
func (c *Client) ListEnvironments(ctx context.Context, ask environment.List) ([]environment.Environment, error) {
	query := url.Values{}
	if ask.Name != "" {
		query.Set("name", ask.Name)
	}
	if ask.Archived {
		query.Set("archived", "true")
	}
	return list[environment.Environment](ctx, c, c.path("environments"), query, 0)
}

// GetEnvironment returns one version of an environment; "latest" is one too.
func (c *Client) GetEnvironment(ctx context.Context, name, version string) (environment.Environment, error) {
	return get[environment.Environment](ctx, c, c.path("environments", name, "versions", version), nil)
}

// RegisterEnvironment registers a version of an environment.
func (c *Client) RegisterEnvironment(ctx context.Context, ask environment.RegisterEnvironment) (environment.Environment, error) {
	return post[environment.Environment](ctx, c, c.path("environments"), ask)
}

// UpdateEnvironment changes what is said about a version.
func (c *Client) UpdateEnvironment(ctx context.Context, name, version string, change environment.Update) (environment.Environment, error) {
	return patch[environment.Environment](ctx, c, c.path("environments", name, "versions", version), change)
}

// UpdateEnvironments changes all versions of an environment.
func (c *Client) UpdateEnvironments(ctx context.Context, name string, change environment.UpdateAll) error {
	_, err := patch[atelier.Page[environment.Environment]](ctx, c, c.path("environments", name), change)
	return err
}

// Build tells how far an environment is built.
func (c *Client) Build(ctx context.Context, name, version string) (environment.Status, error) {
	return get[environment.Status](ctx, c, c.path("environments", name, "versions", version, "build"), nil)
}

// StartBuild begins to build an environment, unless it is ready.
func (c *Client) StartBuild(ctx context.Context, name, version string) (environment.Status, error) {
	return post[environment.Status](ctx, c, c.path("environments", name, "versions", version, "build"), nil)
}

// CancelBuild ends the build of an environment.
func (c *Client) CancelBuild(ctx context.Context, name, version string) (environment.Status, error) {
	return post[environment.Status](ctx, c, c.path("environments", name, "versions", version, "build", "cancel"), nil)
}

// buildLook is how often a build that is followed is looked at.
const buildLook = 250 * time.Millisecond

// FollowBuild writes the log of an environment's last build to w, as it grows,
// until the build has ended, and returns how.
func (c *Client) FollowBuild(ctx context.Context, name, version string, w io.Writer) (environment.Status, error) {
	var offset int64
	for {
		// The state is asked for first: what was printed before the end is then all there.
		status, err := c.Build(ctx, name, version)
		if err != nil {
			return status, err
		}
		for offset < status.LogBytes {
			n, err := c.copyBuildLog(ctx, name, version, offset, w)
			if err != nil {
				return status, err
			}
			if n == 0 {
				break // a new build has begun a new log
			}
			offset += n
		}
		if offset > status.LogBytes {
			offset = 0
		}
		if status.State != environment.Building {
			return status, nil
		}
		select {
		case <-c.config.Clock.After(buildLook):
		case <-ctx.Done():
			return status, ctx.Err()
		}
	}
}

func (c *Client) copyBuildLog(ctx context.Context, name, version string, offset int64, w io.Writer) (int64, error) {
	body, err := c.open(ctx, c.path("environments", name, "versions", version, "build", "log"), url.Values{"offset": {strconv.FormatInt(offset, 10)}})
	if err != nil {
		return 0, err
	}
	defer body.Close()
	n, err := io.Copy(w, body)
	return n, c.broken(ctx, err)
}

// PruneEnvironments removes built environments that nobody uses, of all
// workspaces.
func (c *Client) PruneEnvironments(ctx context.Context, which environment.Prune) (environment.Pruned, error) {
	query := url.Values{"dry_run": {strconv.FormatBool(which.DryRun)}, "unused_for": {which.UnusedFor.String()},
		"max_bytes": {strconv.FormatInt(which.MaxBytes, 10)}}
	var done environment.Pruned
	err := c.exchange(ctx, call{method: http.MethodPost, path: c.path("environments", "prune"), query: query}, &done)
	return done, err
}

package runner

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/vault"
)

// fetchSecrets asks for the task's secrets and has them masked in its logs from
// now on. They stay in memory, and go to the command alone.
func (r *runner) fetchSecrets(ctx context.Context) error {
	if len(r.task.Secrets) == 0 {
		return nil
	}
	var answer compute.Secrets
	if err := r.server.call(ctx, http.MethodGet, "/tasks/"+url.PathEscape(r.task.ID)+"/secrets", nil, &answer); err != nil {
		return fmt.Errorf("fetch the secrets: %w", err)
	}
	var values []string
	for _, name := range r.task.Secrets {
		value, ok := answer.Values[name]
		if !ok {
			return fmt.Errorf("fetch the secrets: the server gave no %q", name)
		}
		values = append(values, value)
	}
	slices.Sort(values)
	r.secrets = answer.Values
	patterns := newPatterns(values)
	r.patterns.Store(patterns)
	r.streams.hide(patterns)
	return nil
}

// fillVariable puts paths and secrets in the places of their names, in one go: what
// a secret holds is not looked through.
func (r *runner) fillVariable(value string, p *place) string {
	pairs := pathPairs(p)
	for name, secret := range r.secrets {
		pairs = append(pairs, vault.ReferenceTo(name), secret)
	}
	return strings.NewReplacer(pairs...).Replace(value)
}

// masked writes whole messages without the task's secrets.
type masked struct {
	to io.Writer
	r  *runner
}

func (m masked) Write(p []byte) (int, error) {
	if _, err := io.WriteString(m.to, m.r.patterns.Load().text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

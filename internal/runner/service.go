package runner

import (
	"context"

	"github.com/atelier-ml/atelier/internal/compute"
)

// runService keeps the task's scoring worker running until ctx ends.
func (r *runner) runService(_ context.Context, p *place) outcome {
	defer p.relay.close()
	return failed(compute.StartError, "This runner cannot serve models yet.")
}

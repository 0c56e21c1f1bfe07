package route

import (
	"context"
	"net/http"
	"time"
)

// recheck is how often a stream is asked for anew whether it may go on, besides when
// something about access changes here: tokens expire, and another server on the same
// database may have taken something away.
const recheck = 10 * time.Second

// whileAdmitted returns a context that ends when the request would no longer be let in.
// Streams last for hours, and a member who was removed must not see on.
func (t *Table) whileAdmitted(ctx context.Context, req *http.Request, r Route) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	changes, done := t.access.Changes()
	go func() {
		defer done()
		ticks := time.NewTicker(recheck)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-changes:
			case <-ticks.C:
			}
			if _, err := t.admit(req.WithContext(ctx), r); err != nil && ctx.Err() == nil {
				cancel()
				return
			}
		}
	}()
	return ctx, cancel
}

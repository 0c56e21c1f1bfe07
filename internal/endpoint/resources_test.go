package endpoint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/fake"
	"github.com/atelier-ml/atelier/internal/sqldb/sqldbtest"
)

// Where a machine cannot keep a worker to its own, the deployment says so.
func TestAMachineWithoutWallsIsNoticed(t *testing.T) {
	f := newFixture(t, sqldbtest.SQLite(t, clock.System{}))
	if _, err := f.Create(f.ctx, f.ws, CreateEndpoint{Name: "doubler"}); err != nil {
		t.Fatal(err)
	}
	for n, unconfined := range []string{"", "it is very old"} {
		f.Driver = fake.New(f.Clock, compute.Capacity{MemoryBytes: 8 << 30, Unconfined: unconfined}, nil, nil)
		d, err := f.CreateDeployment(f.ctx, f.ws, "doubler", f.scored(t, fmt.Sprint("number", n)), false)
		if err != nil || len(d.Notices) != n || n == 1 && !strings.Contains(d.Notices[0], unconfined) {
			t.Errorf("%q: error %v, notices %q", unconfined, err, d.Notices)
		}
	}
}

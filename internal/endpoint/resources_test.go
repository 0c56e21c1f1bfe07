package endpoint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier"
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

func TestResourcesAreNumbers(t *testing.T) {
	for text, want := range map[string]bounds{"": {}, "500m 512Mi": {512 << 20, 0.5}, "2 4Gi": {4 << 30, 2}, "0.25 1G": {1e9, 0.25}} {
		cpu, memory, _ := strings.Cut(text, " ")
		r := &Resources{Requests: &Amounts{CPU: "1", Memory: "1Mi"}, Limits: &Amounts{CPU: cpu, Memory: memory}}
		if got, err := r.bounds(); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for field, amounts := range map[string]Amounts{"resources.limits.cpu": {CPU: "0"}, "resources.limits.memory": {Memory: "4"}} {
		for _, cpu := range []string{"-1", "x", "NaN", "Inf", "0x1p2", "1e3", "5000", "1mm", "0.001m"} {
			if amounts.CPU != "" {
				amounts.CPU = cpu
			}
			_, err := (&Resources{Limits: &amounts}).bounds()
			if public := atelier.Public(err); err == nil || public.Field != field {
				t.Errorf("%+v: %v", amounts, err)
			}
		}
	}
}

// A replica has what its deployment allows; one without a limit may not take all of
// the machine.
func TestAReplicaIsToldItsLimits(t *testing.T) {
	f := newFixture(t, sqldbtest.SQLite(t, clock.System{}))
	for _, test := range []struct {
		resources *Resources
		memory    int64
		cpus      float64
	}{
		{nil, 6 << 30, 0},
		{&Resources{Limits: &Amounts{CPU: "1.5"}}, 6 << 30, 1.5},
		{&Resources{Limits: &Amounts{CPU: "100m", Memory: "16Gi"}}, 16 << 30, 0.1},
	} {
		var task compute.Task
		if err := f.hold(f.ctx, Settings{Resources: test.resources}, &task); err != nil || task.MemoryBytes != test.memory || task.CPUs != test.cpus || task.Processes != 528 {
			t.Errorf("%+v: %d bytes, %v processors, %d processes, %v", test.resources, task.MemoryBytes, task.CPUs, task.Processes, err)
		}
	}
}

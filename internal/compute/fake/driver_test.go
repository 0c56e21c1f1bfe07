package fake_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/clock"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/compute/computetest"
	"github.com/atelier-ml/atelier/internal/compute/fake"
)

func deaf(context.Context, compute.Task, compute.Report) (compute.ReportAnswer, error) {
	return compute.ReportAnswer{}, nil
}

func TestContract(t *testing.T) {
	computetest.Run(t, func(t *testing.T) (compute.Driver, func() compute.Driver) {
		script := func(task compute.Task) fake.Script {
			return fake.Script{Hang: task.Command == computetest.HoldTillStop}
		}
		driver := fake.New(clock.System{}, compute.Capacity{Name: "fake", CPUs: 4}, script, deaf)
		return driver, func() compute.Driver { return driver }
	})
}

func TestScriptsAreReportedAsARunnerWould(t *testing.T) {
	three := 3
	zero := 0
	running := []string{"status Preparing", "status Running"}
	tests := map[string]struct {
		script fake.Script
		want   []string
		code   *int
	}{
		"ends well":     {fake.Script{}, append(running, "status Finalizing", "exit"), &zero},
		"exits 3":       {fake.Script{ExitCode: 3}, append(running, "status Finalizing", "exit"), &three},
		"loses contact": {fake.Script{LoseContact: true}, nil, nil},
		"dies":          {fake.Script{Die: true}, append(running, "error RunnerLost", "exit"), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var said []string
			var code *int
			report := func(_ context.Context, _ compute.Task, r compute.Report) (compute.ReportAnswer, error) {
				for i, record := range r.Records {
					if record.Seq != int64(len(said)+1) {
						t.Errorf("record %d has the number %d", i, record.Seq)
					}
					said = append(said, describe(record))
					code = record.ExitCode
				}
				return compute.ReportAnswer{}, nil
			}
			driver := fake.New(clock.System{}, compute.Capacity{Name: "fake", CPUs: 1},
				func(compute.Task) fake.Script { return test.script }, report)
			handle, err := driver.Prepare(t.Context(), compute.Task{ID: "task"})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second start has a dead runner's end reported
				if err := driver.Start(t.Context(), handle); err != nil {
					t.Fatal(err)
				}
				if err := driver.Wait(t.Context(), handle); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, said); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.code, code); diff != "" {
				t.Errorf("exit code (-want +got):\n%s", diff)
			}
		})
	}
}

func describe(record compute.Record) string {
	switch record.Type {
	case compute.StatusRecord:
		return "status " + record.Status
	case compute.ErrorRecord:
		return "error " + record.Error.Code
	default:
		return string(record.Type)
	}
}

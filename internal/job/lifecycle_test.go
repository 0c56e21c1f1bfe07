package job

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier/internal/compute"
)

func code(n int) *int { return &n }

func TestLifecycle(t *testing.T) {
	mishap := &compute.Failure{Code: compute.UserError, Message: "It broke."}
	late := &compute.Failure{Code: compute.Timeout, Message: "Too slow."}
	says := func(s Status) happening { return happening{kind: reported, status: s} }
	well := happening{kind: exited, exitCode: code(0)}
	tests := map[string]struct {
		events []happening
		want   Status
		error  string
	}{
		"ends well":                          {[]happening{{kind: claimed}, says(Preparing), says(Running), says(Finalizing), well}, Completed, ""},
		"only claimed":                       {[]happening{{kind: claimed}}, Preparing, ""},
		"claimed twice":                      {[]happening{{kind: claimed}, says(Running), {kind: claimed}}, Running, ""},
		"given back":                         {[]happening{{kind: claimed}, {kind: unclaimed}}, Queued, ""},
		"not given back once it speaks":      {[]happening{{kind: claimed}, says(Preparing), {kind: unclaimed}}, Preparing, ""},
		"never goes back":                    {[]happening{{kind: claimed}, says(Running), says(Preparing)}, Running, ""},
		"nonsense from a runner":             {[]happening{{kind: claimed}, says("Completed"), says("")}, Preparing, ""},
		"fails":                              {[]happening{{kind: claimed}, says(Running), {kind: exited, exitCode: code(3), failure: mishap}}, Failed, compute.UserError},
		"0 but its outputs are lost":         {[]happening{{kind: claimed}, says(Running), {kind: exited, exitCode: code(0), failure: &compute.Failure{Code: compute.UploadError}}}, Failed, compute.UploadError},
		"ends without a word":                {[]happening{{kind: claimed}, {kind: exited}}, Failed, compute.RunnerLost},
		"runs out of time":                   {[]happening{{kind: claimed}, says(Running), {kind: exited, exitCode: code(143), failure: late}}, Canceled, compute.Timeout},
		"canceled in the queue":              {[]happening{{kind: cancelAsked}}, Canceled, ""},
		"canceled while claimed":             {[]happening{{kind: claimed}, {kind: cancelAsked}, {kind: unclaimed}}, Canceled, ""},
		"cancel is asked":                    {[]happening{{kind: claimed}, says(Running), {kind: cancelAsked}, says(Finalizing)}, CancelRequested, ""},
		"canceled":                           {[]happening{{kind: claimed}, says(Running), {kind: cancelAsked}, {kind: exited, exitCode: code(143), canceled: true}}, Canceled, ""},
		"canceled and the runner died":       {[]happening{{kind: claimed}, {kind: cancelAsked}, {kind: runnerGone, failure: mishap}}, Canceled, ""},
		"done before the cancel came":        {[]happening{{kind: claimed}, says(Running), {kind: cancelAsked}, well}, Completed, ""},
		"failed in answer to the cancel":     {[]happening{{kind: claimed}, says(Running), {kind: cancelAsked}, {kind: exited, exitCode: code(1), failure: mishap}}, Canceled, ""},
		"stopped from outside":               {[]happening{{kind: claimed}, says(Running), {kind: exited, exitCode: code(143), canceled: true}}, Failed, compute.RunnerLost},
		"cannot start":                       {[]happening{{kind: claimed}, {kind: startFailed, failure: mishap}}, Failed, compute.UserError},
		"runner gone":                        {[]happening{{kind: claimed}, says(Running), {kind: runnerGone, failure: mishap}}, Failed, compute.UserError},
		"silent":                             {[]happening{{kind: claimed}, says(Running), {kind: silent}}, NotResponding, ""},
		"silent and heard":                   {[]happening{{kind: claimed}, says(Running), {kind: silent}, {kind: heard}}, Running, ""},
		"silent and ends":                    {[]happening{{kind: claimed}, says(Running), {kind: silent}, {kind: heard}, says(Finalizing), well}, Completed, ""},
		"silence in the queue means nothing": {[]happening{{kind: silent}}, Queued, ""},
		"nothing after the end":              {[]happening{{kind: claimed}, well, {kind: cancelAsked}, {kind: exited, failure: mishap}, says(Running), {kind: silent}}, Completed, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := state{status: Queued}
			for _, event := range test.events {
				s = s.next(event)
			}
			got := ""
			if s.failure != nil {
				got = s.failure.Code
			}
			if s.status != test.want || got != test.error {
				t.Errorf("became %s with the error %q, want %s with %q", s.status, got, test.want, test.error)
			}
		})
	}
}

// Whatever happens in whatever order, an end is final, phases only go forward,
// and every job ends once its runner has.
func TestLifecycleSimulation(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	kinds := []eventKind{claimed, unclaimed, reported, cancelAsked, exited, startFailed, runnerGone, silent, heard}
	order := map[Status]int{"": 0, Queued: 1, Preparing: 2, Running: 3, Finalizing: 4}
	for range 2000 {
		s := state{status: Queued}
		for range 30 {
			h := happening{kind: kinds[random.IntN(len(kinds))], status: Statuses()[random.IntN(len(Statuses()))],
				canceled: random.IntN(2) == 0}
			if random.IntN(2) == 0 {
				h.exitCode = code(random.IntN(2))
			}
			if random.IntN(2) == 0 {
				h.failure = &compute.Failure{Code: compute.UserError}
			}
			before := s
			s = s.next(h)
			switch {
			case before.status.Ended():
				if diff := cmp.Diff(before, s, cmp.AllowUnexported(state{})); diff != "" {
					t.Fatalf("%s changed an ended job:\n%s", h.kind, diff)
				}
			case order[s.phase] < order[before.phase] && h.kind != unclaimed:
				t.Fatalf("%s moved the phase from %q back to %q", h.kind, before.phase, s.phase)
			case (h.kind == exited || h.kind == startFailed || h.kind == runnerGone) && !s.status.Ended():
				t.Fatalf("%s left the job %s", h.kind, s.status)
			case s.status == Completed && (h.exitCode == nil || *h.exitCode != 0):
				t.Fatal("a job is Completed without the exit code 0")
			}
		}
	}
}

package endpoint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/atelier-ml/atelier/internal/compute"
)

// replicas reads "1:Ready 2:Starting 2:Ready! 2:Terminated(Code)": the revision,
// the state, "!" for one that is stopping, and the error's code.
func replicas(text string) []Replica {
	var all []Replica
	for i, word := range strings.Fields(text) {
		var r Replica
		word, code, failed := strings.Cut(strings.TrimSuffix(word, ")"), "(")
		word, r.stopping = strings.CutSuffix(word, "!")
		var state string
		fmt.Sscanf(strings.Replace(word, ":", " ", 1), "%d %s", &r.revision, &state)
		r.ID, r.State = fmt.Sprint(i), ReplicaState(state)
		if failed {
			r.Error = &compute.Failure{Code: code}
		}
		all = append(all, r)
	}
	return all
}

func ids(all []Replica) string {
	var text []string
	for _, r := range all {
		text = append(text, r.ID)
	}
	return strings.Join(text, " ")
}

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name         string
		state        State
		revision     int64
		count        int
		replicas     string
		start        int
		stop, forget string
		want         State
	}{
		{"a new deployment starts all", Creating, 1, 2, "", 2, "", "", Creating},
		{"one is still starting", Creating, 1, 2, "1:Ready 1:Starting", 0, "", "", Creating},
		{"all are ready", Creating, 1, 2, "1:Ready 1:Ready", 0, "", "", Succeeded},
		{"the script fails", Creating, 1, 1, "1:Terminated(UserScriptInitFailed)", 0, "", "0", Failed},
		{"one of two fails: nothing more is started", Creating, 1, 2, "1:Ready 1:Terminated(UserScriptInitFailed)", 0, "", "1", Failed},
		{"a failed one stays failed", Failed, 1, 1, "", 0, "", "", Failed},
		{"a lost runner is replaced", Succeeded, 1, 1, "1:Terminated(RunnerLost)", 1, "", "0", Succeeded},
		{"a runner that ended without a word is replaced", Succeeded, 1, 1, "1:Terminated", 1, "", "0", Succeeded},
		{"an unhealthy one is waited for", Succeeded, 1, 1, "1:Unhealthy", 0, "", "", Succeeded},
		{"scaling up", Scaling, 1, 3, "1:Ready", 2, "", "", Scaling},
		{"scaling down ends the newest", Scaling, 1, 1, "1:Ready 1:Ready 1:Ready", 0, "2 1", "", Succeeded},
		{"scaling down ends first what is not ready", Scaling, 1, 1, "1:Starting 1:Ready", 0, "0", "", Succeeded},
		{"an update starts new ones beside the old", Updating, 2, 2, "1:Ready 1:Ready", 2, "", "", Updating},
		{"the old serve until all new are ready", Updating, 2, 2, "1:Ready 1:Ready 2:Ready 2:Starting", 0, "", "", Updating},
		{"the new take over", Updating, 2, 2, "1:Ready 1:Ready 2:Ready 2:Ready", 0, "0 1", "", Succeeded},
		{"an update that fails leaves the old", Updating, 2, 1, "1:Ready 2:Terminated(UserScriptImportError)", 0, "", "1", Failed},
		{"an old failure does not count", Updating, 2, 1, "1:Terminated(UserScriptInitFailed) 2:Starting", 0, "", "0", Updating},
		{"what is stopping is not counted and not stopped again", Scaling, 1, 1, "1:Ready! 1:Ready", 0, "", "", Succeeded},
		{"the end of what was stopped is no failure", Succeeded, 1, 1, "1:Ready 1:Terminated!(UserError)", 0, "", "1", Succeeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &Deployment{State: test.state, revision: test.revision, Settings: Settings{InstanceCount: test.count}}
			got := plan(d, test.count, replicas(test.replicas))
			if got.start != test.start || ids(got.stop) != test.stop || ids(got.forget) != test.forget || got.state != test.want {
				t.Errorf("start %d, stop %q, forget %q, %s; want start %d, stop %q, forget %q, %s",
					got.start, ids(got.stop), ids(got.forget), got.state, test.start, test.stop, test.forget, test.want)
			}
			if (got.err != nil) != (test.want == Failed && test.state != Failed) {
				t.Errorf("error %v in state %s", got.err, got.state)
			}
		})
	}
}

func TestPlanOfADeletedDeploymentEndsEverything(t *testing.T) {
	got := plan(nil, 0, replicas("1:Ready 2:Starting 2:Ready! 2:Terminated"))
	if got.start != 0 || ids(got.stop) != "0 1" || ids(got.forget) != "3" {
		t.Errorf("start %d, stop %q, forget %q", got.start, ids(got.stop), ids(got.forget))
	}
}

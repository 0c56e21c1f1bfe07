package access

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-ml/atelier"
)

const workspaces = "Microsoft.MachineLearningServices/workspaces/"

// What a role of Azure's allows here is what it says there, and never more.
func TestAzureActions(t *testing.T) {
	cases := []struct {
		actions, notActions []string
		allows, refuses     []atelier.Permission
		idle                int
	}{
		{actions: []string{workspaces + "*/read", workspaces + "jobs/*", workspaces + "environments/readSecrets/action"},
			allows:  []atelier.Permission{"models/read", "jobs/write", "jobs/cancel/action", "secrets/use/action"},
			refuses: []atelier.Permission{"models/write", "members/read", "workspaces/read", "audit/list"}},
		{actions: []string{workspaces + "*/write", workspaces + "*"}, // not who may do what
			allows:  []atelier.Permission{"models/write", "jobs/write"},
			refuses: []atelier.Permission{"members/write", "roles/write", "workspaces/write", "workspaces/delete", "audit/list", "tasks/report/action"}},
		{actions: []string{"Microsoft.MachineLearningServices/*"}, allows: []atelier.Permission{"workspaces/delete", "computes/write"},
			refuses: []atelier.Permission{"members/write", "roles/write", "audit/list"}},
		{actions: []string{"*"}, notActions: []string{workspaces + "*/delete", workspaces + "write", workspaces + "computes/*/write", workspaces + "computes/*/delete", "Microsoft.Authorization/*/write"},
			allows:  []atelier.Permission{"jobs/write", "computes/read", "members/read"},
			refuses: []atelier.Permission{"computes/write", "computes/delete", "workspaces/write", "workspaces/delete", "models/delete", "members/write", "roles/write"}},
		{actions: []string{workspaces + "onlineEndpoints/*", workspaces + "onlineEndpoints/token/action"}, notActions: []string{workspaces + "onlineEndpoints/listkeys/action"},
			allows: []atelier.Permission{"endpoints/online/write", "endpoints/online/score/action"}, refuses: []atelier.Permission{"endpoints/online/listKeys/action"}},
		{actions: []string{workspaces + "datasets/registered/read", workspaces + "datasets/registered/delete", workspaces + "services/aks/write", workspaces + "read"},
			allows: []atelier.Permission{"data/read", "workspaces/read"}, refuses: []atelier.Permission{"data/write", "workspaces/write"}, idle: 2},
		{actions: []string{workspaces + "data/*"}, notActions: []string{workspaces + "datasets/registered/delete"}, // archiving is writing here
			allows: []atelier.Permission{"data/read"}, refuses: []atelier.Permission{"data/write"}},
		{actions: []string{workspaces + "experiments/runs/submit/action", workspaces + "metadata/snapshots/write", "Microsoft.Authorization/roleAssignments/read", "Microsoft.Resources/subscriptions/read"},
			allows: []atelier.Permission{"jobs/write", "metadata/artifacts/write", "members/read"}, refuses: []atelier.Permission{"roles/read", "members/write"}, idle: 1},
		{actions: []string{"JOBS/Read"}, allows: []atelier.Permission{"jobs/read"}, refuses: []atelier.Permission{"jobs/write"}},
	}
	for _, c := range cases {
		role, err := Definition{Name: "r", Actions: c.actions, NotActions: c.notActions}.checked()
		if err != nil {
			t.Errorf("%v: %v", c.actions, err)
			continue
		}
		for _, p := range c.allows {
			if !role.Allows(p) {
				t.Errorf("%v without %v does not allow %s", c.actions, c.notActions, p)
			}
		}
		for _, p := range c.refuses {
			if role.Allows(p) {
				t.Errorf("%v without %v allows %s", c.actions, c.notActions, p)
			}
		}
		if len(role.Idle) != c.idle {
			t.Errorf("%v: without effect are %v", c.actions, role.Idle)
		}
	}
}

func TestUnknownActionsAreRefusedByName(t *testing.T) {
	for _, action := range []string{"job/read", "jobs/wriite", workspaces + "jobs/wriite", workspaces + "joobs/*", "tasks/report/action", "tasks/*", "",
		"Microsoft.Evil/x/read", "jobs/read/", "**/frobnicate"} {
		for _, d := range []Definition{{Name: "r", Actions: []string{"*/read", action}}, {Name: "r", Actions: []string{"*"}, NotActions: []string{action}}} {
			_, err := d.checked()
			if atelier.CodeOf(err) != atelier.Invalid {
				t.Errorf("%q: %v", action, err)
			}
		}
	}
}

// Each of the forms in which Azure writes a role, and ours, is the same role.
func TestDefinitionsAreRead(t *testing.T) {
	want := Definition{Name: "MLOps", Description: "d", Actions: []string{"*/read"}, NotActions: []string{"jobs/read"}}
	for _, text := range []string{
		`{"name": "MLOps", "description": "d", "actions": ["*/read"], "not_actions": ["jobs/read"]}`,
		`{"Name": "MLOps", "IsCustom": true, "Description": "d", "Actions": ["*/read"], "NotActions": ["jobs/read"],
		  "DataActions": [], "NotDataActions": [], "AssignableScopes": ["/subscriptions/s"]}`,
		`{"id": "/x", "name": "b24988ac-6180", "type": "Microsoft.Authorization/roleDefinitions", "properties": {"roleName": "MLOps", "description": "d",
		  "assignableScopes": ["/"], "permissions": [{"actions": ["*/read"], "notActions": ["jobs/read"], "dataActions": [], "notDataActions": []}]}}`,
	} {
		for range 5 { // the order of a map's keys is another each time
			var got Definition
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s:\n%s", text, diff)
			}
		}
	}
	for _, text := range []string{`[]`, `{"actions": "x"}`, `{"name": "r", "actoins": []}`, `{"name": "r", "dataActions": ["x"]}`,
		`{"name": "r", "permissions": [{}, {}]}`, `{"name": "r", "condition": "x"}`, `{"properties": 1}`} {
		if err := json.Unmarshal([]byte(text), &Definition{}); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

func TestNamesOfRoles(t *testing.T) {
	for name, want := range map[string]atelier.Code{"MLOps": "", "역할 1": "", "Reader": atelier.Conflict, "oWNER": atelier.Conflict, "": atelier.Invalid,
		" x": atelier.Invalid, "a/b": atelier.Invalid, "<script>": atelier.Invalid, "a\u202eb": atelier.Invalid, "team:x": atelier.Invalid} {
		if err := checkRoleName(name); atelier.CodeOf(err) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What several roles allow together is what any of them does.
func TestUnionAndNarrowing(t *testing.T) {
	both := union([]Role{{Name: "a", Actions: []string{"jobs/*"}, NotActions: []string{"jobs/delete"}}, {Name: "b", Actions: []string{"*/delete"}, NotActions: []string{"models/*"}}})
	for p, want := range map[atelier.Permission]bool{"jobs/write": true, "jobs/delete": true, "computes/delete": true, "models/delete": false, "models/read": false} {
		if both.Allows(p) != want {
			t.Errorf("the two allow %s: %v", p, !want)
		}
	}
	owner, _ := builtInRole(Owner)
	narrow := owner.narrowed([]string{"jobs/*", "tasks/*"})
	if narrow.Allows("models/read") || narrow.Allows("tasks/report/action") || !narrow.Allows("jobs/write") {
		t.Errorf("narrowed: %v", narrow.Actions)
	}
	reader, _ := builtInRole(Reader)
	if missing, ok := covers(reader, owner); ok || missing == "" {
		t.Error("a Reader covers an Owner")
	}
	if _, ok := covers(owner, reader); !ok {
		t.Error("an Owner does not cover a Reader")
	}
	if !slices.IsSortedFunc(known, func(a, b Known) int { return cmpText(string(a.Permission), string(b.Permission)) }) {
		t.Error("the permissions are not in order")
	}
}

func cmpText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

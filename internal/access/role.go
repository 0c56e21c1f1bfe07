package access

import (
	"slices"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
)

// Role is a named set of permissions: those that match one of Actions and none
// of NotActions. The built-in ones are Azure Machine Learning's.
type Role struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Actions     []string `json:"actions"`
	NotActions  []string `json:"not_actions"`
	// Custom is false for the roles that every workspace has.
	Custom bool `json:"custom"`
	// Idle are actions of Azure's that are about nothing that is here.
	Idle      []string   `json:"without_effect,omitempty"`
	CreatedBy string     `json:"created_by,omitempty"`
	CreatedAt *time.Time `json:"created_at,omitempty"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
}

// Names of the built-in roles.
const (
	Owner           = "Owner"
	Contributor     = "Contributor"
	DataScientist   = "Data Scientist"
	ComputeOperator = "Compute Operator"
	Reader          = "Reader"
)

// onlyTasks is what no person may do: speak for a running task.
const onlyTasks = "tasks/*"

// builtIn are asked for with every request, and nobody changes them.
var builtIn = []Role{
	{Name: Owner, Description: "Everything, and who may do what.",
		Actions: []string{"*"}, NotActions: []string{onlyTasks}},
	{Name: Contributor, Description: "Everything except who may do what, and who did what.",
		Actions: []string{"*"}, NotActions: []string{onlyTasks, "members/write", "roles/write", "roles/delete", "audit/*"}},
	{Name: DataScientist, Description: "Everything inside the workspace, except its computes and the workspace itself.",
		Actions:    []string{"*"},
		NotActions: []string{onlyTasks, "members/write", "roles/write", "roles/delete", "audit/*", "workspaces/write", "workspaces/delete", "computes/write", "computes/delete", "jobs/shell/others/action"}},
	{Name: ComputeOperator, Description: "Create, manage and delete computes.",
		Actions: []string{"workspaces/read", "computes/*"}, NotActions: []string{}},
	{Name: Reader, Description: "See everything, change nothing.",
		Actions: []string{"*/read"}, NotActions: []string{}},
}

// BuiltInRoles returns the roles that every workspace has, strongest first.
func BuiltInRoles() []Role { return slices.Clone(builtIn) }

// builtInRole returns the built-in role called name, whatever its case.
func builtInRole(name string) (Role, bool) {
	at := slices.IndexFunc(builtIn, func(r Role) bool { return strings.EqualFold(r.Name, name) })
	if at < 0 {
		return Role{}, false
	}
	return builtIn[at], true
}

func isBuiltIn(name string) bool {
	_, ok := builtInRole(name)
	return ok
}

// jobRole is what a job's own token may do. Services narrow it further: a job
// writes only to its own run and to those that it opened.
var jobRole = Role{Name: "job",
	Actions:    []string{"*/read", "experiments/*", "metadata/artifacts/*", "models/write", "tasks/report/action"},
	NotActions: []string{"members/*", "experiments/runs/delete"}}

// deploymentRole is what a deployment's runner may do: fetch what it serves and
// report.
var deploymentRole = Role{Name: "deployment",
	Actions: []string{"metadata/artifacts/read", "models/read", "tasks/report/action"}}

// Allows reports whether the role holds permission. To speak for a running task is
// what no custom role can be made to allow.
func (r Role) Allows(permission atelier.Permission) bool {
	if r.Custom && permission.Matches(onlyTasks) {
		return false
	}
	return slices.ContainsFunc(r.Actions, permission.Matches) && !slices.ContainsFunc(r.NotActions, permission.Matches)
}

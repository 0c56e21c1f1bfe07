package access

import (
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Known is a permission with what it lets somebody do.
type Known struct {
	Permission  atelier.Permission `json:"permission"`
	Description string             `json:"description"`
}

// known are the permissions inside a workspace. Every route in one needs one of
// them, and a role can name no others.
var known = []Known{
	{"audit/list", "see the audit log, and take it away as a file"},
	{"computes/delete", "delete computes"},
	{"computes/read", "see computes and what runs on them"},
	{"computes/write", "create and change computes; remove built environments"},
	{"data/read", "see data assets, preview and profile them"},
	{"data/write", "register, change and archive data assets"},
	{"datastores/delete", "forget datastores"},
	{"datastores/read", "see datastores and list what lies in them"},
	{"datastores/write", "create and change datastores"},
	{"endpoints/batch/delete", "delete batch endpoints and their deployments"},
	{"endpoints/batch/jobs/write", "have a batch endpoint score data"},
	{"endpoints/batch/read", "see batch endpoints, their deployments and jobs"},
	{"endpoints/batch/write", "create and change batch endpoints and their deployments"},
	{"endpoints/online/collected/delete", "delete what deployments have collected"},
	{"endpoints/online/collected/read", "read what deployments have collected: what they were asked and answered"},
	{"endpoints/online/delete", "delete endpoints and deployments"},
	{"endpoints/online/listKeys/action", "read an endpoint's keys"},
	{"endpoints/online/read", "see endpoints, deployments, their logs and figures"},
	{"endpoints/online/regenerateKeys/action", "make an endpoint's keys anew"},
	{"endpoints/online/score/action", "send scoring requests without an endpoint's key"},
	{"endpoints/online/write", "create and change endpoints, deployments and traffic"},
	{"environments/read", "see environments and their builds"},
	{"environments/write", "register, change and build environments"},
	{"experiments/delete", "delete experiments, and purge them"},
	{"experiments/read", "see experiments"},
	{"experiments/runs/delete", "delete runs, and purge them"},
	{"experiments/runs/read", "see runs with their params, metrics, tags and logs"},
	{"experiments/runs/write", "start runs, and log to them"},
	{"experiments/write", "create and change experiments"},
	{"jobs/cancel/action", "cancel jobs"},
	{"jobs/delete", "delete jobs that have ended"},
	{"jobs/read", "see jobs, their logs and their code; follow what changes in the workspace"},
	{"jobs/services/read", "use the services of running jobs, such as TensorBoard"},
	{"jobs/shell/action", "open a shell in one's own running jobs"},
	{"jobs/shell/others/action", "open a shell in the running jobs of others"},
	{"jobs/write", "submit and change jobs"},
	{"members/read", "see who has which role"},
	{"members/write", "give and take roles"},
	{"metadata/artifacts/read", "download the files of runs, models and jobs"},
	{"metadata/artifacts/write", "upload files"},
	{"models/delete", "delete models and their versions"},
	{"models/read", "see models and their versions"},
	{"models/write", "register and change models, their versions and aliases"},
	{"roles/delete", "delete custom roles"},
	{"roles/read", "see roles and what they allow"},
	{"roles/write", "create and change custom roles"},
	{"secrets/delete", "forget secrets"},
	{"secrets/list", "see the names of secrets"},
	{"secrets/use/action", "have jobs and deployments be given secrets"},
	{"secrets/write", "set secrets"},
	{"workspaces/delete", "delete the workspace with everything in it"},
	{"workspaces/read", "see the workspace"},
	{"workspaces/write", "change the workspace, and free what nothing refers to"},
}

// Permissions returns what roles can be made of, in the order of names.
func Permissions() []Known { return slices.Clone(known) }

// covers reports whether a role allows everything that another one does.
func covers(role, other Role) (missing atelier.Permission, ok bool) {
	for _, k := range known {
		if other.Allows(k.Permission) && !role.Allows(k.Permission) {
			return k.Permission, false
		}
	}
	return "", true
}

// union is the role of somebody who has several: what any of them allows.
func union(roles []Role) Role {
	if len(roles) == 1 {
		return roles[0]
	}
	var all Role
	var names []string
	for _, role := range roles {
		names = append(names, role.Name)
	}
	all.Name = strings.Join(names, ", ")
	all.Actions, all.NotActions = []string{}, []string{}
	for _, k := range known {
		if slices.ContainsFunc(roles, func(r Role) bool { return r.Allows(k.Permission) }) {
			all.Actions = append(all.Actions, string(k.Permission))
		}
	}
	return all
}

// narrowed is what is left of a role for a token that is good for some actions only.
func (r Role) narrowed(actions []string) Role {
	if len(actions) == 0 {
		return r
	}
	narrow := Role{Name: r.Name, Description: r.Description, Actions: []string{}, NotActions: []string{}}
	for _, k := range known {
		if r.Allows(k.Permission) && slices.ContainsFunc(actions, k.Permission.Matches) {
			narrow.Actions = append(narrow.Actions, string(k.Permission))
		}
	}
	return narrow
}

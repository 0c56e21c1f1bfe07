package access

import (
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
)

// Beginnings of the actions in Azure's role definitions.
const (
	azurePrefix        = "microsoft."
	azureWorkspaces    = "microsoft.machinelearningservices/workspaces/"
	azureService       = "microsoft.machinelearningservices/"
	azureAuthorization = "microsoft.authorization/"
)

// azureNames are Azure's names, without their prefix, beside ours. Whatever begins
// an action is replaced, one after the other; what follows it stays. One that
// is wider here than there is used to take away only.
var azureNames = []struct {
	azure, ours string
	wider       bool
}{
	{azure: "onlineendpoints/", ours: "endpoints/online/"},
	{azure: "batchendpoints/", ours: "endpoints/batch/"},
	{azure: "endpoints/online/token/action", ours: "endpoints/online/score/action"},
	{azure: "endpoints/online/listkeys/action", ours: "endpoints/online/listKeys/action"},
	{azure: "endpoints/online/regeneratekeys/action", ours: "endpoints/online/regenerateKeys/action"},
	{azure: "datasets/", ours: "data/"},
	{azure: "data/registered/", ours: "data/"},
	{azure: "data/unregistered/", ours: "data/"},
	{azure: "data/versions/", ours: "data/"},
	{azure: "data/preview/", ours: "data/"},
	{azure: "data/profile/", ours: "data/"},
	{azure: "data/schema/", ours: "data/"},
	{azure: "data/delete", ours: "data/write", wider: true},
	{azure: "models/versions/", ours: "models/"},
	{azure: "environments/versions/", ours: "environments/"},
	{azure: "environments/readsecrets/action", ours: "secrets/use/action"},
	{azure: "environments/build/action", ours: "environments/write", wider: true},
	{azure: "environments/delete", ours: "environments/write", wider: true},
	{azure: "experiments/runs/submit/action", ours: "jobs/write"},
	{azure: "computes/listnodes/action", ours: "computes/read"},
	{azure: "metadata/snapshots/", ours: "metadata/artifacts/"},
	{azure: "metadata/codes/versions/", ours: "metadata/artifacts/"},
	{azure: "metadata/codes/*/", ours: "metadata/artifacts/"},
	{azure: "metadata/codes/", ours: "metadata/artifacts/"},
	{azure: "codes/versions/", ours: "metadata/artifacts/"},
	{azure: "codes/", ours: "metadata/artifacts/"},
	{azure: "metadata/artifacts/delete", ours: "metadata/artifacts/write", wider: true},
}

// azureOnly are Azure's actions in a workspace that are about nothing that is here;
// one that ends in "/" stands for all that it begins. A role that names them is
// taken as it is.
var azureOnly = []string{
	"components/", "connections/", "endpoints/pipelines/", "featuresets/", "featurestoreentities/", "hubs/", "labeling/", "linkedservices/",
	"listkeys/action", "liststorageaccountkeys/", "managednetworks/", "marketplacesubscriptions/", "metadata/secrets/", "modules/", "notebooks/",
	"outboundrules/", "pipelinedrafts/", "privateendpointconnections/", "privatelinkresources/", "reports/", "resynckeys/action", "schedules/",
	"serverlessendpoints/", "services/",
	"computes/start/action", "computes/stop/action", "computes/restart/action", "computes/listkeys/action", "computes/applicationaccess/action",
	"computes/updateschedules/action", "computes/enablesso/action", "computes/updatedatamounts/action", "computes/updateidletimesetting/action",
	"data/delete", "datasets/registered/delete", "datasets/versions/delete", "environments/build/action", "environments/delete",
	"environments/versions/delete", "metadata/artifacts/delete", "metadata/snapshots/delete", "datastores/listsecrets/action",
	"batchendpoints/", "endpoints/batch/", "jobs/operationresults/", "computes/reimage/action",
}

// azureServices are other services of Azure, whose actions turn up in the same roles.
var azureServices = []string{"classiccompute", "cognitiveservices", "compute", "containerinstance", "containerregistry", "containerservice", "features", "insights",
	"keyvault", "managedidentity", "network", "operationalinsights", "resourcehealth", "resources", "storage", "support"}

// fromAzure returns what an action is called here, in lower case where it was Azure's.
// To take something away (forbids) it may be wider here than there.
func fromAzure(action string, forbids bool) []string {
	lower := strings.ToLower(action)
	if rest, ok := strings.CutPrefix(lower, azureAuthorization); ok {
		return fromAuthorization(rest, forbids)
	}
	rest, inWorkspace := strings.CutPrefix(lower, azureWorkspaces)
	if !inWorkspace {
		if rest, ok := strings.CutPrefix(lower, azureService); ok && strings.HasPrefix(rest, "*") {
			return inside(rest, "members/", "roles/", "audit/")
		}
		return []string{action}
	}
	switch {
	case rest == "*" || strings.HasPrefix(rest, "*/"):
		if forbids {
			return []string{rest}
		}
		return inside(rest, "members/", "roles/", "audit/", "workspaces/")
	case !strings.Contains(rest, "/"): // the workspace itself
		return []string{"workspaces/" + rest}
	}
	for _, name := range azureNames {
		if after, found := strings.CutPrefix(strings.ToLower(rest), name.azure); found && (forbids || !name.wider) {
			rest = name.ours + after
		}
	}
	return []string{rest, strings.ReplaceAll(rest, "/*/", "/")}
}

// fromAuthorization translates the actions about who may do what.
func fromAuthorization(rest string, forbids bool) []string {
	kind, verb := rest[:strings.Index(rest+"/", "/")], rest[strings.LastIndex(rest, "/")+1:]
	members, roles := []string{"members/" + verb}, []string{"roles/" + verb}
	if forbids && verb == "delete" { // roles are taken with the permission to give them
		members = []string{"members/write"}
	}
	switch kind {
	case "*":
		return slices.Concat(members, roles)
	case "roleassignments":
		return members
	case "roledefinitions":
		return roles
	}
	return nil
}

// inside returns the permissions that a pattern of Azure's covers where what is in a
// workspace does not include the workspace and who may do what in it.
func inside(pattern string, except ...string) []string {
	var all []string
	for _, k := range known {
		excepted := slices.ContainsFunc(except, func(begin string) bool { return strings.HasPrefix(string(k.Permission), begin) })
		if k.Permission.Matches(pattern) && !excepted {
			all = append(all, string(k.Permission))
		}
	}
	return all
}

// translate returns the patterns of a role in our words, and those of Azure that are
// about nothing that is here. It refuses what neither knows.
func translate(actions []string, field string, forbids bool) (ours, idle []string, err error) {
	ours = []string{}
	for _, action := range actions {
		found := false
		for _, pattern := range fromAzure(action, forbids) {
			if !slices.ContainsFunc(known, func(k Known) bool { return k.Permission.Matches(pattern) }) {
				continue
			}
			found = true
			if !slices.Contains(ours, pattern) {
				ours = append(ours, pattern)
			}
		}
		switch {
		case found:
		case isAzureOnly(strings.ToLower(action)):
			idle = append(idle, action)
		default:
			return nil, nil, atelier.Errorf(atelier.Invalid, "There is no action %q.", atelier.Clip(action, 120)).At(field).
				WithHint("`atelier role actions` lists what there is; \"*\" stands for any characters.")
		}
	}
	return ours, idle, nil
}

func isAzureOnly(action string) bool {
	rest, inWorkspace := strings.CutPrefix(action, azureWorkspaces)
	if inWorkspace {
		return slices.ContainsFunc(azureOnly, func(name string) bool {
			return rest == name || strings.HasSuffix(name, "/") && strings.HasPrefix(rest, name)
		})
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(action, azurePrefix), "/")
	return strings.HasPrefix(action, azurePrefix) &&
		(slices.Contains(azureServices, service) || strings.HasPrefix(action, azureAuthorization) ||
			strings.HasPrefix(action, azureService+"locations/") || strings.HasPrefix(action, azureService+"registries/"))
}

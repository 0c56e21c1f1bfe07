package atelier

import (
	"net/url"
	"strings"
)

// PathKind says which of the accepted forms a Path has.
type PathKind string

const (
	LocalPath     PathKind = "local"     // relative to the YAML file, absolute, or file:...
	AssetPath     PathKind = "asset"     // azureml:name:version, azureml:name@label, models:/name/version
	DatastorePath PathKind = "datastore" // azureml://datastores/D/paths/P, also in its long form
	JobOutputPath PathKind = "job"       // azureml://jobs/J/outputs/O[/paths/P]
	RunPath       PathKind = "run"       // runs:/ID/P
	RemotePath    PathKind = "remote"    // http(s)://, s3://, abfss://, wasbs://, gs://
	RegistryPath  PathKind = "registry"  // azureml://registries/R/{kind}/N/(versions/V|labels/L)
)

// Path is a parsed place of data, in any of the forms that Azure Machine
// Learning's YAML and MLflow accept. Only the fields of its Kind are set.
type Path struct {
	Kind PathKind
	Raw  string // as the user wrote it

	Name, Version, Label string // AssetPath, RegistryPath
	Datastore            string // DatastorePath
	Job, Output          string // JobOutputPath
	Run                  string // RunPath
	Rest                 string // the path inside the datastore, output or run; the file for LocalPath
}

// DefaultDatastore is the datastore that every workspace has.
const DefaultDatastore = "workspaceblobstore"

// ParsePath reads raw. Anything with no known scheme is a local path; whether
// the place exists is for its owner to say.
func ParsePath(raw string) (Path, error) {
	path := Path{Raw: raw}
	bad := func(hint string) (Path, error) {
		return Path{}, Errorf(Invalid, "%q is not a path that can be read.", Clip(raw, 120)).WithHint("%s", hint)
	}
	switch {
	case raw == "":
		return bad("Give a local path, azureml:NAME:VERSION, azureml://..., runs:/RUN/PATH or a URL.")
	case strings.HasPrefix(raw, "azureml://"):
		return parseAzureURI(path, strings.TrimPrefix(raw, "azureml://"), bad)
	case strings.HasPrefix(raw, "azureml:"):
		path.Kind = AssetPath
		path.Name, path.Version, path.Label = splitAsset(strings.TrimPrefix(raw, "azureml:"))
	case strings.HasPrefix(raw, "models:/"):
		path.Kind = AssetPath
		rest := strings.TrimPrefix(raw, "models:/")
		if name, label, ok := strings.Cut(rest, "@"); ok {
			path.Name, path.Label = name, label
		} else {
			path.Name, path.Version, _ = strings.Cut(rest, "/")
			if path.Version == "latest" {
				path.Version, path.Label = "", "latest"
			}
		}
	case strings.HasPrefix(raw, "runs:/"):
		path.Kind = RunPath
		path.Run, path.Rest, _ = strings.Cut(strings.TrimPrefix(raw, "runs:/"), "/")
		if path.Run == "" {
			return bad("Write runs:/RUN_ID/PATH.")
		}
	case strings.HasPrefix(raw, "file:"):
		path.Kind = LocalPath
		path.Rest = strings.TrimPrefix(strings.TrimPrefix(raw, "file:"), "//")
	case strings.Contains(raw, "://"):
		path.Kind = RemotePath
		if _, err := url.Parse(raw); err != nil {
			return bad("The URL cannot be parsed.")
		}
	default:
		path.Kind, path.Rest = LocalPath, raw
	}
	if path.Kind == AssetPath && path.Name == "" {
		return bad("Write azureml:NAME:VERSION or azureml:NAME@latest.")
	}
	return path, nil
}

// splitAsset splits "name:version" at its first colon, or "name@label".
func splitAsset(text string) (name, version, label string) {
	if name, version, ok := strings.Cut(text, ":"); ok {
		return name, version, ""
	}
	name, label, _ = strings.Cut(text, "@")
	return name, "", label
}

func parseAzureURI(path Path, rest string, bad func(string) (Path, error)) (Path, error) {
	parts := strings.Split(rest, "/")
	if parts[0] == "subscriptions" { // the long form names its workspace first; ours is the request's
		for i, part := range parts {
			if part == "workspaces" && i+2 < len(parts) {
				parts = parts[i+2:]
				break
			}
		}
	}
	after := func(i int) string { return strings.Join(parts[min(i, len(parts)):], "/") }
	switch {
	case parts[0] == "datastores" && len(parts) >= 4 && parts[2] == "paths" && parts[1] != "":
		path.Kind, path.Datastore, path.Rest = DatastorePath, parts[1], after(3)
	case parts[0] == "jobs" && len(parts) >= 4 && parts[2] == "outputs" && parts[1] != "" && parts[3] != "":
		path.Kind, path.Job, path.Output = JobOutputPath, parts[1], parts[3]
		switch {
		case len(parts) > 5 && parts[4] == "paths":
			path.Rest = after(5)
		case len(parts) > 4 && after(4) != "":
			return bad("Write azureml://jobs/JOB/outputs/OUTPUT/paths/PATH.")
		}
	case parts[0] == "registries" && len(parts) == 6 && parts[4] == "versions":
		path.Kind, path.Name, path.Version = RegistryPath, parts[3], parts[5]
	case parts[0] == "registries" && len(parts) == 6 && parts[4] == "labels":
		path.Kind, path.Name, path.Label = RegistryPath, parts[3], parts[5]
	default:
		return bad("Write azureml://datastores/NAME/paths/PATH or azureml://jobs/JOB/outputs/OUTPUT/paths/PATH.")
	}
	return path, nil
}

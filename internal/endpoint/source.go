package endpoint

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/compute"
	"github.com/atelier-ml/atelier/internal/environment"
	"github.com/atelier-ml/atelier/internal/model"
	"github.com/atelier-ml/atelier/internal/vault"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// Source is what a deployment is made of, found when its user wrote it: what
// starts later runs the same, whatever has been registered or deleted meanwhile.
type Source struct {
	Model       *ModelSource           `json:"model,omitempty"`
	Code        blob.Hash              `json:"code,omitempty"`
	Script      string                 `json:"script,omitempty"`
	Environment environment.Definition `json:"environment"`
	Notices     []string               `json:"notices,omitempty"`
}

// ModelSource is a model's files and what it is called.
type ModelSource struct {
	// Reference is the pinned form of what the user wrote.
	Reference string    `json:"reference"`
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	Type      string    `json:"type"`
	Tree      blob.Hash `json:"tree"`
	// Folder is the name under which the files lie in AZUREML_MODEL_DIR, as in
	// Azure: the last part of the path that was registered. It is empty where
	// that path was one file, which then lies there itself.
	Folder string `json:"folder,omitempty"`
}

// modelReference is a model as a user writes it: a reference or a path, and for
// an inline model its own name, version and type.
type modelReference struct {
	Path    string `json:"path"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Type    string `json:"type"`
}

// Finder finds what deployments refer to, online and batch alike.
type Finder struct {
	Models       *model.Service
	Blobs        blob.Store
	Environments *environment.Service
}

// Wanted is what a deployment refers to, as its user wrote it.
type Wanted struct {
	Model             any
	CodeConfiguration *CodeConfiguration
	Environment       any
}

// mlflowFile is in the top folder of every model of MLflow's.
const mlflowFile = "MLmodel"

// Find finds what a deployment refers to. pinned is the model with its version.
func (f Finder) Find(ctx context.Context, ws string, wanted Wanted) (from Source, pinned any, err error) {
	pinned = wanted.Model
	var files blob.Tree
	if wanted.Model != nil {
		var found ModelSource
		if found, files, err = f.findModel(ctx, ws, wanted.Model); err != nil {
			return Source{}, nil, err
		}
		from.Model = &found
		if _, plain := wanted.Model.(string); plain {
			pinned = found.Reference
		}
	}
	if err := f.findCode(ctx, ws, wanted.CodeConfiguration, &from); err != nil {
		return Source{}, nil, err
	}
	if _, ok := files.Find(mlflowFile); !ok && from.Script == "" {
		return Source{}, nil, atelier.Errorf(atelier.Invalid, "The model is not in MLflow's format, so it needs a scoring script.").
			At("code_configuration").WithHint("Give code_configuration with code and scoring_script.")
	}
	definition, hint, err := f.findEnvironment(ctx, ws, wanted.Environment, files)
	if hint != "" {
		from.Notices = append(from.Notices, hint)
	}
	from.Environment = definition
	return from, pinned, err
}

// findModel finds the files of a registered version, or those that a run or
// an upload left at a path.
func (f Finder) findModel(ctx context.Context, ws string, given any) (found ModelSource, files blob.Tree, err error) {
	wanted, err := readModel(given)
	if err != nil {
		return found, files, err
	}
	place, err := atelier.ParsePath(wanted.Path)
	if err != nil {
		return found, files, atelier.Public(err).At("model")
	}
	if place.Kind == atelier.AssetPath && !strings.HasPrefix(place.Raw, "models:/m-") {
		version := cmp.Or(place.Version, "latest")
		if place.Label != "" && place.Label != "latest" {
			version = "@" + place.Label
		}
		registered, err := f.Models.Version(ctx, ws, place.Name, version)
		if err != nil {
			return found, files, err
		}
		files, err = blob.Hold(ctx, f.Blobs, ws, registered.Tree)
		return ModelSource{Reference: "azureml:" + registered.Name + ":" + registered.Version, Name: registered.Name,
			Version: registered.Version, Type: registered.Type, Tree: registered.Tree, Folder: modelFolder(files, registered.Path)}, files, err
	}
	content, err := f.Models.Resolve(ctx, ws, wanted.Path, wanted.Type)
	return ModelSource{Reference: wanted.Path, Name: cmp.Or(wanted.Name, "model"), Version: cmp.Or(wanted.Version, "1"),
		Type: content.Type, Tree: content.Tree.ID, Folder: modelFolder(content.Tree, wanted.Path)}, content.Tree, err
}

// modelFolder is the name under which a model's files lie in AZUREML_MODEL_DIR.
// A path that names one file gives that file; any other gives its folder.
func modelFolder(files blob.Tree, from string) string {
	name := path.Base(strings.TrimRight(from, "/"))
	if len(files.Files) == 1 && files.Files[0].Path == name {
		return ""
	}
	if blob.CheckPath(name) != nil {
		return "model"
	}
	return name
}

// readModel reads a model that is given as text or as an object.
func readModel(value any) (modelReference, error) {
	if text, ok := value.(string); ok {
		return modelReference{Path: text}, nil
	}
	var reference modelReference
	if err := remarshal(value, &reference); err != nil || reference.Path == "" {
		return reference, atelier.Errorf(atelier.Invalid, "The model cannot be read.").At("model").
			WithHint("Write azureml:NAME:VERSION, or an object with path and type.")
	}
	return reference, nil
}

func remarshal(value, target any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, target)
}

// findCode finds the snapshot with the scoring script in it.
func (f Finder) findCode(ctx context.Context, ws string, c *CodeConfiguration, from *Source) error {
	if c == nil {
		return nil
	}
	tree, err := codeTree(c.Code)
	if err != nil {
		return err
	}
	files, err := blob.Hold(ctx, f.Blobs, ws, tree)
	if atelier.CodeOf(err) == atelier.NotFound {
		return atelier.Errorf(atelier.Invalid, "There is no code %q in this workspace.", atelier.Clip(c.Code, 120)).
			At("code_configuration.code").WithHint("Upload the folder first; the command line does it by itself.")
	}
	if err != nil {
		return err
	}
	script := path.Clean(c.ScoringScript)
	if _, ok := files.Find(script); !ok {
		return atelier.Errorf(atelier.Invalid, "The code folder has no file %q.", atelier.Clip(script, 120)).
			At("code_configuration.scoring_script").WithHint("It has %s.", scripts(files))
	}
	from.Code, from.Script = tree, script
	return nil
}

// codeTree reads "azureml:TREE:1" or the path of an uploaded folder.
func codeTree(code string) (blob.Hash, error) {
	place, err := atelier.ParsePath(code)
	if err != nil {
		return "", err
	}
	id := place.Name
	if rest, ok := strings.CutPrefix(place.Rest, "LocalUpload/"); ok && place.Kind == atelier.DatastorePath {
		id, _, _ = strings.Cut(rest, "/")
	}
	tree, err := blob.ParseHash(id)
	if err != nil {
		return "", atelier.Errorf(atelier.Invalid, "%q is not an uploaded folder.", atelier.Clip(code, 120)).At("code_configuration.code").
			WithHint("Write azureml:TREE:1 with the tree's id from its upload.")
	}
	return tree, nil
}

// scripts lists the Python files of a folder, for a message.
func scripts(files blob.Tree) string {
	var found []string
	for _, file := range files.Files {
		if strings.HasSuffix(file.Path, ".py") && len(found) < 10 {
			found = append(found, file.Path)
		}
	}
	if len(found) == 0 {
		return "no Python files"
	}
	return strings.Join(found, ", ")
}

// systemEnvironment names the machine's own programs, as for jobs: nothing is
// built for a deployment that asks for it.
const systemEnvironment = "system"

// findEnvironment finds the environment. An MLflow model brings its own.
func (f Finder) findEnvironment(ctx context.Context, ws string, given any, files blob.Tree) (d environment.Definition, hint string, err error) {
	var spec environment.Spec
	if given != nil {
		err = remarshal(given, &spec)
	} else if _, ok := files.Find(mlflowFile); ok {
		spec, err = f.modelEnvironment(ctx, ws, files)
	}
	if err != nil || spec.Reference == systemEnvironment {
		return d, "", err
	}
	d, resolved, err := f.Environments.Resolve(ctx, ws, spec)
	return d, resolved.Hint, err
}

// modelEnvironment reads what MLflow stored beside a model: the conda file, or
// the requirements with the Python version beside them.
func (f Finder) modelEnvironment(ctx context.Context, ws string, files blob.Tree) (spec environment.Spec, err error) {
	read := func(name string) string {
		file, ok := files.Find(name)
		if !ok || err != nil {
			return ""
		}
		var text string
		text, err = f.readFile(ctx, ws, file)
		return text
	}
	if spec.CondaFile = read("conda.yaml"); spec.CondaFile != "" {
		spec.CondaFileName = "conda.yaml"
		return spec, err
	}
	if spec.PipRequirements = read("requirements.txt"); spec.PipRequirements != "" {
		spec.PipRequirementsName = "requirements.txt"
		spec.PythonVersion = pythonVersion(read("python_env.yaml"))
	}
	return spec, err
}

// pythonVersion finds the line "python: 3.11.7" of a python_env.yaml.
func pythonVersion(text string) string {
	for line := range strings.Lines(text) {
		if version, ok := strings.CutPrefix(line, "python:"); ok {
			return strings.Trim(strings.TrimSpace(version), `"'`)
		}
	}
	return ""
}

// maxEnvironmentFile bounds a file that describes an environment.
const maxEnvironmentFile = 1 << 20

func (f Finder) readFile(ctx context.Context, ws string, file blob.File) (string, error) {
	if file.Size > maxEnvironmentFile {
		return "", atelier.Errorf(atelier.Invalid, "The model's %s has %d bytes, which is too much for a description of packages.", file.Path, file.Size)
	}
	object, _, err := f.Blobs.Open(ctx, ws, file.Hash)
	if err != nil {
		return "", err
	}
	defer object.Close()
	text, err := io.ReadAll(io.LimitReader(object, maxEnvironmentFile))
	return string(text), err
}

// task is what the runner of a replica has to know.
func (s *Service) task(ctx context.Context, d Deployment, r Replica, token string) (compute.Task, error) {
	all, err := s.Workspaces.List(ctx)
	if err != nil {
		return compute.Task{}, err
	}
	at := slices.IndexFunc(all, func(ws workspace.Workspace) bool { return ws.ID == d.Workspace })
	if at < 0 {
		return compute.Task{}, atelier.Errorf(atelier.NotFound, "The workspace has been deleted.")
	}
	variables := map[string]string{"SERVICE_NAME": d.Endpoint}
	for name, value := range d.EnvironmentVariables {
		variables[name] = value
	}
	task := compute.Task{
		ID: r.ID, Kind: compute.Service, Workspace: all[at].Name, Token: token,
		ServerFile: s.ServerFile, ServerURL: s.URL(), EnvironmentsDir: s.EnvironmentsDir, ToolsDir: s.ToolsDir,
		CodeTree: d.source.Code, EnvironmentVariables: variables, Secrets: vault.Named(variables),
		Service: &compute.ServiceTask{Socket: compute.SocketFile, ScoringScript: d.source.Script,
			Workers: d.workers(), Concurrency: d.workers() * d.threads(), Collect: collectTask(d, all[at].Name)},
	}
	answered, err := d.together()
	if err != nil {
		return compute.Task{}, err
	}
	task.Service.BatchSize, task.Service.BatchDelayMS = answered.size, answered.delayMS
	if !d.source.Environment.IsZero() {
		task.Environment = &d.source.Environment
	}
	if m := d.source.Model; m != nil {
		task.Service.ModelTree, task.Service.ModelFolder = m.Tree, m.Folder
		task.Service.ModelName, task.Service.ModelVersion, task.Service.ModelType = m.Name, m.Version, m.Type
	}
	return task, s.hold(ctx, d.Settings, &task)
}

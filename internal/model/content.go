package model

import (
	"context"
	"io"
	"math"
	"path"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
)

// Content is what a path names: files, and what is known of where they came from.
type Content struct {
	Tree          blob.Tree
	Type          string // MLflow when there is an MLmodel file, else Custom
	Flavors       map[string]any
	RunID         string
	LoggedModelID string
}

// source is a list of files before they become a tree.
type source struct {
	files         []blob.File
	runID         string
	loggedModelID string
}

// Resolve returns the content of a path in any of its forms. kind is the type
// that the user gave, or empty.
func (s *Service) Resolve(ctx context.Context, ws, raw, kind string) (Content, error) {
	found, err := s.find(ctx, ws, raw)
	if err != nil {
		return Content{}, err
	}
	if len(found.files) == 0 {
		return Content{}, atelier.Errorf(atelier.NotFound, "There are no files at %q.", atelier.Clip(raw, 200)).At("path").
			WithHint("List what a run keeps with `atelier run show RUN`.")
	}
	c := Content{RunID: found.runID, LoggedModelID: found.loggedModelID, Flavors: map[string]any{}, Type: Custom}
	if c.Tree, err = blob.PutTree(ctx, s.blobs, ws, found.files); err != nil {
		return c, err
	}
	if description, ok := c.Tree.Find("MLmodel"); ok {
		if c.Flavors, err = s.readFlavors(ctx, ws, description); err != nil {
			return c, err
		}
		c.Type = MLflow
	}
	return c, c.settle(kind)
}

// settle gives c the type that the user asked for, if its files allow it.
func (c *Content) settle(kind string) error {
	switch kind {
	case "":
		return nil
	case Custom, Triton:
		c.Type = kind
		return nil
	case MLflow:
		if c.Type != MLflow {
			return atelier.Errorf(atelier.Invalid, "The files are not an MLflow model: there is no file MLmodel among them.").At("path").
				WithHint("Give the folder that mlflow's log_model or save_model made, or the type custom_model.")
		}
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "%q is not a type of model.", atelier.Clip(kind, 40)).At("type").
		WithHint("Use %s, %s or %s.", Custom, MLflow, Triton)
}

func (s *Service) find(ctx context.Context, ws, raw string) (source, error) {
	if strings.HasPrefix(raw, "mlflow-artifacts:") {
		return s.fromURI(ctx, ws, raw)
	}
	p, err := atelier.ParsePath(raw)
	if err != nil {
		return source{}, atelier.Public(err).At("path")
	}
	switch p.Kind {
	case atelier.RunPath:
		return s.fromRun(ctx, ws, p.Run, p.Rest)
	case atelier.JobOutputPath:
		return s.fromJob(ctx, ws, p.Job, p.Output, p.Rest)
	case atelier.DatastorePath:
		return s.fromDatastore(ctx, ws, p)
	case atelier.AssetPath:
		return s.fromAsset(ctx, ws, p)
	}
	return source{}, atelier.Errorf(atelier.Invalid, "Invalid model version source: '%s'. The server cannot read there.", atelier.Clip(raw, 200)).At("path").
		WithHint("Use azureml://jobs/JOB/outputs/OUTPUT/paths/PATH or runs:/RUN/PATH, or upload the folder: `atelier model create --path FOLDER` does it for you.")
}

// fromRun finds artifacts below rest, or the logged model of the run that rest
// begins with: MLflow 3 keeps models beside the run's own artifacts.
func (s *Service) fromRun(ctx context.Context, ws, run, rest string) (source, error) {
	found, err := s.below(ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run}, rest)
	found.runID = run
	if err != nil || len(found.files) > 0 {
		return found, err
	}
	name, inside, _ := strings.Cut(rest, "/")
	logged, err := s.tracking.RunModel(ctx, ws, run, name)
	if atelier.CodeOf(err) == atelier.NotFound {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	return s.fromLoggedModel(ctx, ws, logged, inside)
}

func (s *Service) fromLoggedModel(ctx context.Context, ws string, logged tracking.LoggedModel, rest string) (source, error) {
	found, err := s.below(ctx, ws, tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: logged.ID}, rest)
	found.runID, found.loggedModelID = logged.SourceRunID, logged.ID
	return found, err
}

// fromJob reads azureml://jobs/JOB/outputs/OUTPUT/paths/REST. The output
// "artifacts" is the root of the run, as in Azure; others have a folder each.
func (s *Service) fromJob(ctx context.Context, ws, job, output, rest string) (source, error) {
	if output == "artifacts" || output == "default" {
		return s.fromRun(ctx, ws, job, rest)
	}
	found, err := s.below(ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: job}, path.Join("named-outputs", output, rest))
	found.runID = job
	return found, err
}

// fromDatastore reads what was uploaded (LocalUpload/TREE/NAME) or what a job
// left (azureml/JOB/OUTPUT) in the workspace's own datastore.
func (s *Service) fromDatastore(ctx context.Context, ws string, p atelier.Path) (source, error) {
	if p.Datastore != atelier.DefaultDatastore {
		return source{}, atelier.Errorf(atelier.NotFound, "There is no datastore %q.", atelier.Clip(p.Datastore, 60)).At("path").
			WithHint("The workspace's own datastore is %s.", atelier.DefaultDatastore)
	}
	parts := strings.SplitN(strings.Trim(p.Rest, "/"), "/", 4)
	switch {
	case parts[0] == "azureml" && len(parts) >= 3:
		return s.fromJob(ctx, ws, parts[1], parts[2], strings.Join(parts[3:], "/"))
	case parts[0] == "LocalUpload" && len(parts) >= 2:
		tree, err := blob.GetTree(ctx, s.blobs, ws, blob.Hash(parts[1]))
		if err != nil {
			return source{}, atelier.Public(err).At("path")
		}
		return source{files: uploaded(tree.Files, strings.Join(parts[2:], "/"))}, nil
	}
	return source{}, atelier.Errorf(atelier.NotFound, "There is nothing at %q.", atelier.Clip(p.Raw, 200)).At("path")
}

// uploaded picks the part of an uploaded tree that rest names. The first element
// of rest is the name that the folder had on the user's machine, which the tree
// itself may or may not repeat.
func uploaded(files []blob.File, rest string) []blob.File {
	if picked := pick(files, rest); len(picked) > 0 || rest == "" {
		return picked
	}
	_, inside, _ := strings.Cut(rest, "/")
	return pick(files, inside)
}

// pick returns the files below folder with their paths relative to it, or the
// file at folder itself; all of them for "".
func pick(files []blob.File, folder string) []blob.File {
	folder = strings.Trim(folder, "/")
	if folder == "" || folder == "." {
		return files
	}
	var picked []blob.File
	for _, file := range files {
		if file.Path == folder {
			file.Path = path.Base(folder)
			return []blob.File{file}
		}
		if inside, ok := strings.CutPrefix(file.Path, folder+"/"); ok {
			file.Path = inside
			picked = append(picked, file)
		}
	}
	return picked
}

// fromAsset reads azureml:NAME:VERSION, models:/NAME/VERSION, models:/NAME@ALIAS,
// and MLflow 3's models:/m-ID.
func (s *Service) fromAsset(ctx context.Context, ws string, p atelier.Path) (source, error) {
	if strings.HasPrefix(p.Raw, "models:/m-") && p.Label == "" {
		logged, err := s.tracking.LoggedModel(ctx, ws, p.Name)
		if err == nil {
			return s.fromLoggedModel(ctx, ws, logged, p.Version)
		}
		if atelier.CodeOf(err) != atelier.NotFound || p.Version == "" {
			return source{}, err
		}
	}
	version := p.Version
	if p.Label != "" && p.Label != "latest" {
		version = "@" + p.Label
	}
	if version == "" {
		version = "latest"
	}
	v, err := s.Version(ctx, ws, p.Name, version)
	if err != nil {
		return source{}, err
	}
	if v.Tree == "" {
		return source{}, nil // its files are elsewhere, or yet to come
	}
	tree, err := blob.GetTree(ctx, s.blobs, ws, v.Tree)
	return source{files: tree.Files, runID: v.RunID, loggedModelID: v.LoggedModelID}, err
}

// fromURI reads the artifact URI of a run or a logged model, as MLflow's client
// gives it.
func (s *Service) fromURI(ctx context.Context, ws, uri string) (source, error) {
	place, err := s.tracking.Locate(ctx, ws, uri)
	if err != nil {
		return source{}, atelier.Public(err).At("path")
	}
	if place.Owner.Kind == tracking.LoggedModelArtifact {
		logged, err := s.tracking.LoggedModel(ctx, ws, place.Owner.ID)
		if err != nil {
			return source{}, err
		}
		return s.fromLoggedModel(ctx, ws, logged, place.Path)
	}
	if place == (tracking.Place{Owner: tracking.Owner{Kind: tracking.FreeArtifact}}) {
		return source{}, atelier.Errorf(atelier.Invalid, "Invalid model version source: '%s' names no folder.", atelier.Clip(uri, 200)).At("path")
	}
	found, err := s.below(ctx, ws, place.Owner, place.Path)
	found.runID = place.Owner.ID
	return found, err
}

// below returns the files of owner below folder, or the one file of that name.
func (s *Service) below(ctx context.Context, ws string, owner tracking.Owner, folder string) (source, error) {
	folder, err := tracking.CheckArtifactFolder(folder)
	if err != nil {
		return source{}, err
	}
	listed, err := s.tracking.Files(ctx, ws, owner, "")
	if err != nil {
		return source{}, err
	}
	files := make([]blob.File, len(listed))
	for i, artifact := range listed {
		files[i] = blob.File{Path: artifact.Path, Hash: artifact.Hash, Size: artifact.Size}
	}
	return source{files: pick(files, folder)}, nil
}

const maxMLmodel = 1 << 20

// readFlavors reads an MLmodel file: YAML, as plain data.
func (s *Service) readFlavors(ctx context.Context, ws string, file blob.File) (map[string]any, error) {
	bad := func(err error) error {
		return atelier.Errorf(atelier.Invalid, "The file MLmodel cannot be read: %w", err).At("path")
	}
	if file.Size > maxMLmodel {
		return nil, atelier.Errorf(atelier.Invalid, "The file MLmodel has %d bytes; at most %d are read.", file.Size, maxMLmodel).At("path")
	}
	content, _, err := s.blobs.Open(ctx, ws, file.Hash)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, maxMLmodel))
	if err != nil {
		return nil, err
	}
	var description struct {
		Flavors map[string]map[string]any `yaml:"flavors"`
	}
	if err := yaml.Unmarshal(text, &description); err != nil {
		return nil, bad(err)
	}
	flavors := map[string]any{}
	for name, flavor := range description.Flavors {
		flavors[name] = plain(flavor)
	}
	return flavors, nil
}

// plain turns what YAML may hold into what JSON can: maps have text as keys.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = plain(item)
		}
		return v
	case map[any]any:
		converted := map[string]any{}
		for key, item := range v {
			if text, ok := key.(string); ok {
				converted[text] = plain(item)
			}
		}
		return converted
	case []any:
		for i, item := range v {
			v[i] = plain(item)
		}
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return series.Value(v).String()
		}
		return v
	case string, bool, int, int64, uint64:
		return v
	}
	return nil
}

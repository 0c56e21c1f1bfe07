package data

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/datastore"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// Content is what a path means: stored files, or a reference.
type Content struct {
	// Tree holds the files, rooted at what the path names.
	Tree blob.Tree
	// Reference says where they lie when they are not stored; Files and Size are
	// then what was found there.
	Reference *Reference
	Files     int
	Size      int64
	// Changed says that the files are no longer what was registered.
	Changed bool
	// Asset and Version name the version that the path refers to, if it does.
	Asset, Version string
	// RunID is the run that made the files, if the path says so.
	RunID string
}

// Resolve finds what a path in any of its forms means, for somebody who is about
// to refer to it: what it finds counts as used now.
func (s *Service) Resolve(ctx context.Context, ws, raw string) (Content, error) {
	p, err := atelier.ParsePath(raw)
	if err != nil {
		return Content{}, err
	}
	switch p.Kind {
	case atelier.AssetPath:
		return s.fromAsset(ctx, ws, p)
	case atelier.DatastorePath:
		return s.fromDatastore(ctx, ws, p)
	case atelier.JobOutputPath:
		return s.fromOutput(ctx, ws, p)
	case atelier.RunPath:
		return s.fromRun(ctx, ws, p.Run, p.Rest)
	case atelier.LocalPath:
		return Content{}, atelier.Errorf(atelier.Invalid, "%q is a local path; the server cannot see it.", atelier.Clip(raw, 120)).
			WithHint("Upload it first; the command line and the Python client do it.")
	case atelier.RemotePath:
		return s.fromAddress(ctx, ws, p)
	}
	return Content{}, atelier.Errorf(atelier.NotImplemented, "Data cannot be read from %q.", atelier.Clip(raw, 120)).
		WithHint("Use a local path, azureml:NAME:VERSION, azureml://datastores/NAME/paths/PATH, azureml://jobs/JOB/outputs/OUTPUT, runs:/RUN/PATH or an address.")
}

// fromAsset reads azureml:NAME:VERSION and azureml:NAME@latest.
func (s *Service) fromAsset(ctx context.Context, ws string, p atelier.Path) (Content, error) {
	if strings.HasPrefix(p.Raw, "models:") {
		return Content{}, atelier.Errorf(atelier.Invalid, "%q is a model and no data.", atelier.Clip(p.Raw, 120)).
			WithHint("Give it one of the types mlflow_model, custom_model and triton_model.")
	}
	version := p.Version
	switch {
	case version == "" && p.Label == "":
		return Content{}, atelier.Errorf(atelier.Invalid, "%q does not say which version.", atelier.Clip(p.Raw, 120)).
			WithHint("Write azureml:%s:VERSION or azureml:%s@latest.", atelier.Clip(p.Name, 60), atelier.Clip(p.Name, 60))
	case version == "" && p.Label != Latest:
		return Content{}, atelier.Errorf(atelier.NotFound, "There is no label %q of data.", atelier.Clip(p.Label, 60)).
			WithHint("The label is @latest.")
	case version == "":
		version = Latest
	}
	v, err := s.Version(ctx, ws, p.Name, version)
	if err != nil {
		return Content{}, err
	}
	found := Content{Reference: v.Reference, Files: v.Files, Size: v.Size}
	switch {
	case v.Tree != "":
		found.Tree, err = blob.Hold(ctx, s.blobs, ws, v.Tree)
	case v.open():
		found, err = s.fromCollected(ctx, ws, v.Reference.Path)
	case v.Reference.Datastore != "":
		found, err = s.fromPlace(ctx, ws, v.Reference.Datastore, v.Reference.Path)
		found.Changed = err == nil && found.Reference.Fingerprint != v.Reference.Fingerprint
	}
	found.Asset, found.Version, found.RunID = v.Name, v.Version, v.RunID
	return found, err
}

// fromDatastore reads what lies in a datastore. In the workspace's own that is what
// was uploaded (LocalUpload/TREE/NAME), what a job left (azureml/JOB/OUTPUT), or what
// a deployment collected (modelDataCollector/ENDPOINT/DEPLOYMENT/COLLECTION).
func (s *Service) fromDatastore(ctx context.Context, ws string, p atelier.Path) (Content, error) {
	if p.Datastore != atelier.DefaultDatastore && p.Datastore != datastore.ArtifactDatastore {
		return s.fromPlace(ctx, ws, p.Datastore, p.Rest)
	}
	parts := strings.SplitN(strings.Trim(p.Rest, "/"), "/", 4)
	switch {
	case parts[0] == "azureml" && len(parts) >= 3:
		return s.fromRun(ctx, ws, parts[1], path.Join(outputFolder(parts[2]), strings.Join(parts[3:], "/")))
	case parts[0] == "LocalUpload" && len(parts) >= 2:
		return s.fromUpload(ctx, ws, parts[1], strings.Join(parts[2:], "/"))
	}
	return s.fromCollected(ctx, ws, p.Rest)
}

func (s *Service) fromUpload(ctx context.Context, ws, id, below string) (Content, error) {
	hash, err := blob.ParseHash(id)
	if err != nil {
		return Content{}, atelier.Errorf(atelier.Invalid, "%q is not the id of an uploaded folder.", atelier.Clip(id, 80))
	}
	tree, err := blob.Hold(ctx, s.blobs, ws, hash)
	if atelier.CodeOf(err) == atelier.NotFound {
		err = atelier.Errorf(atelier.Invalid, "No folder with the id %s was uploaded to this workspace.", id)
	}
	if err != nil {
		return Content{}, err
	}
	files := uploaded(tree.Files, strings.Trim(below, "/"))
	if len(files) == 0 {
		return Content{}, atelier.Errorf(atelier.Invalid, "There is no %q in what was uploaded.", atelier.Clip(below, 120))
	}
	return s.rooted(ctx, ws, tree, files)
}

// uploaded picks the part of an uploaded tree that below names: a file of the
// tree or a folder in it, which may come after the name that the whole had on the
// user's machine; or just that name.
func uploaded(files []blob.File, below string) []blob.File {
	if picked := pick(files, below); len(picked) > 0 {
		return picked
	}
	_, inside, more := strings.Cut(below, "/")
	if !more {
		return files
	}
	return pick(files, inside)
}

// pick returns the files below folder with their paths relative to it, or the
// file at folder itself; all of them for "".
func pick(files []blob.File, folder string) []blob.File {
	if folder == "" {
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

// rooted returns the content that is files, which may be all of whole.
func (s *Service) rooted(ctx context.Context, ws string, whole blob.Tree, files []blob.File) (c Content, err error) {
	if slices.Equal(files, whole.Files) {
		return Content{Tree: whole}, nil
	}
	c.Tree, err = blob.PutTree(ctx, s.blobs, ws, files)
	return c, err
}

// outputFolder is where the artifacts of a job's output lie. The output named
// "default" is everything that the job keeps, as in Azure Machine Learning.
func outputFolder(output string) string {
	if output == "default" || output == "artifacts" {
		return ""
	}
	return "named-outputs/" + output
}

// fromOutput reads an output of a job: what its run keeps, or where the job wrote it
// in a datastore.
func (s *Service) fromOutput(ctx context.Context, ws string, p atelier.Path) (Content, error) {
	found, err := s.fromRun(ctx, ws, p.Job, path.Join(outputFolder(p.Output), p.Rest))
	if atelier.CodeOf(err) != atelier.NotFound {
		return found, err
	}
	uses, wrong := s.UsesOfRun(ctx, ws, p.Job)
	if wrong != nil {
		return found, wrong
	}
	for _, use := range uses {
		if use.Direction == Output && use.Name == p.Output && use.Reference != nil && use.Reference.Datastore != "" {
			found, err = s.fromPlace(ctx, ws, use.Reference.Datastore, path.Join(use.Reference.Path, p.Rest))
			found.RunID = p.Job
			return found, err
		}
	}
	return found, err
}

// fromRun makes a tree of what a run keeps at place, as it is now.
func (s *Service) fromRun(ctx context.Context, ws, run, place string) (Content, error) {
	place = strings.Trim(place, "/")
	listed, err := s.tracking.Files(ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: run}, "")
	if err != nil {
		return Content{}, err
	}
	files := make([]blob.File, len(listed))
	for i, artifact := range listed {
		files[i] = blob.File{Path: artifact.Path, Hash: artifact.Hash, Size: artifact.Size}
	}
	if files = pick(files, place); len(files) == 0 {
		return Content{}, atelier.Errorf(atelier.NotFound, "The run %q keeps nothing under %q.", atelier.Clip(run, 80), atelier.Clip(place, 120)).
			WithHint("List what a run keeps with `atelier run show RUN`.")
	}
	tree, err := blob.PutTree(ctx, s.blobs, ws, files)
	return Content{Tree: tree, RunID: run}, err
}

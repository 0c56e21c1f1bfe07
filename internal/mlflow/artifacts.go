package mlflow

import (
	"context"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/tracking"
)

const unlimited = -1

func (s *server) artifactRoutes() []endpoint {
	return []endpoint{
		{"GET /mlflow/artifacts/list", readArtifacts, handle(s, s.listArtifacts), 0},
		{"GET /mlflow-artifacts/artifacts", readArtifacts, s.listProxied, 0},
		{"GET /mlflow-artifacts/artifacts/{path...}", readArtifacts, s.download, 0},
		{"PUT /mlflow-artifacts/artifacts/{path...}", writeArtifacts, s.upload, unlimited},
		{"DELETE /mlflow-artifacts/artifacts/{path...}", writeArtifacts, s.remove, 0},
		{"POST /mlflow-artifacts/mpu/create/{path...}", writeArtifacts, s.ofUpload(s.createUpload), 0},
		{"POST /mlflow-artifacts/mpu/complete/{path...}", writeArtifacts, s.ofUpload(s.completeUpload), 0},
		{"POST /mlflow-artifacts/mpu/abort/{path...}", writeArtifacts, s.ofUpload(s.abortUpload), 0},
		{"GET /mlflow-artifacts/presigned/{path...}", readArtifacts, s.refuseDownload, 0},
		{"POST /mlflow/artifacts/presigned-upload-url", writeArtifacts, handle(s, s.refusePresigned), 0},
	}
}

type artifactsAnswer struct {
	RootURI string     `json:"root_uri,omitempty"`
	Files   []fileInfo `json:"files,omitempty"`
}

type listArtifactsRequest struct {
	RunID   string `json:"run_id"`
	RunUUID string `json:"run_uuid"`
	Path    string `json:"path"`
}

// listArtifacts lists a folder of a run, with paths relative to the run's root.
func (s *server) listArtifacts(ctx context.Context, ws string, in *listArtifactsRequest) (any, error) {
	id, err := runID(in.RunID, in.RunUUID)
	if err != nil {
		return nil, err
	}
	found, err := s.tracking.Run(ctx, ws, id)
	if err != nil {
		return nil, err
	}
	files, err := s.tracking.List(ctx, ws, tracking.Owner{Kind: tracking.RunArtifact, ID: id}, in.Path)
	return artifactsAnswer{found.ArtifactURI, each(files, fileOf)}, err
}

// treeFolder begins the artifact URI of a registered version: its files are the
// version's own, whatever became of the run.
const treeFolder = "trees/"

// treeURI is where a client reads the files of a tree.
func treeURI(id blob.Hash) string { return "mlflow-artifacts:/" + treeFolder + string(id) }

// inTree splits a path below treeFolder into the tree and the path in it.
func (s *server) inTree(ctx context.Context, ws, p string) (blob.Tree, string, bool, error) {
	rest, ok := strings.CutPrefix(p, treeFolder)
	if !ok {
		return blob.Tree{}, "", false, nil
	}
	id, inside, _ := strings.Cut(rest, "/")
	tree, err := blob.GetTree(ctx, s.blobs, ws, blob.Hash(id))
	return tree, inside, true, err
}

// listProxied lists a folder by its artifact URI, with names relative to it. What
// is not there has no files.
func (s *server) listProxied(w http.ResponseWriter, req *http.Request) {
	folder, err := tracking.CheckArtifactFolder(req.URL.Query().Get("path"))
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	files, err := s.listFolder(req.Context(), workspaceID(req), folder)
	if err != nil && atelier.CodeOf(err) != atelier.NotFound {
		s.writeError(w, req, err)
		return
	}
	answer := artifactsAnswer{Files: each(files, fileOf)}
	for i := range answer.Files {
		answer.Files[i].Path = path.Base(answer.Files[i].Path)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *server) listFolder(ctx context.Context, ws, folder string) ([]tracking.Artifact, error) {
	tree, inside, isTree, err := s.inTree(ctx, ws, folder)
	if err != nil {
		return nil, err
	}
	if isTree {
		return tracking.Entries(each(tree.Files, func(f blob.File) tracking.Artifact {
			return tracking.Artifact{Path: f.Path, Hash: f.Hash, Size: f.Size}
		}), inside), nil
	}
	place, err := s.tracking.Locate(ctx, ws, folder)
	if err != nil {
		return nil, err
	}
	return s.tracking.List(ctx, ws, place.Owner, place.Path)
}

// proxied returns the path of an upload, download or removal, checked before
// anything else looks at it. PathValue has undone one percent-encoding; the check
// undoes all that are left.
func proxied(req *http.Request) (string, error) {
	return tracking.CheckArtifactPath(req.PathValue("path"))
}

func (s *server) download(w http.ResponseWriter, req *http.Request) {
	content, file, err := s.open(req)
	s.serve(w, req, content, file, err)
}

// serve answers with a file as bytes to keep: whatever they are, no browser shows
// or runs them.
func (s *server) serve(w http.ResponseWriter, req *http.Request, content io.ReadSeekCloser, file tracking.Artifact, err error) {
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(file.Path)}))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	header.Set("ETag", `"`+string(file.Hash)+`"`)
	http.ServeContent(w, req, "", time.Time{}, content)
}

func (s *server) open(req *http.Request) (io.ReadSeekCloser, tracking.Artifact, error) {
	ctx, ws := req.Context(), workspaceID(req)
	p, err := proxied(req)
	if err != nil {
		return nil, tracking.Artifact{}, err
	}
	tree, inside, isTree, err := s.inTree(ctx, ws, p)
	if err != nil {
		return nil, tracking.Artifact{}, err
	}
	if isTree {
		return s.openInTree(ctx, ws, tree, inside)
	}
	place, err := s.tracking.Locate(ctx, ws, p)
	if err != nil {
		return nil, tracking.Artifact{}, err
	}
	return s.tracking.Open(ctx, ws, place.Owner, place.Path)
}

func (s *server) openInTree(ctx context.Context, ws string, tree blob.Tree, p string) (io.ReadSeekCloser, tracking.Artifact, error) {
	file, ok := tree.Find(p)
	if !ok {
		return nil, tracking.Artifact{}, atelier.Errorf(atelier.NotFound, "There is no artifact %q.", atelier.Clip(p, 120)).At("path")
	}
	content, _, err := s.blobs.Open(ctx, ws, file.Hash)
	return content, tracking.Artifact{Path: file.Path, Hash: file.Hash, Size: file.Size}, err
}

func (s *server) upload(w http.ResponseWriter, req *http.Request) {
	s.change(w, req, func(ctx context.Context, ws string, place tracking.Place) error {
		return s.tracking.Upload(ctx, ws, place.Owner, place.Path, req.Body)
	})
}

// remove deletes a file or a folder, which clients may end with a slash.
func (s *server) remove(w http.ResponseWriter, req *http.Request) {
	req.SetPathValue("path", strings.TrimSuffix(req.PathValue("path"), "/"))
	s.change(w, req, func(ctx context.Context, ws string, place tracking.Place) error {
		return s.tracking.Remove(ctx, ws, place.Owner, place.Path)
	})
}

func (s *server) change(w http.ResponseWriter, req *http.Request, act func(ctx context.Context, ws string, place tracking.Place) error) {
	ctx, ws := req.Context(), workspaceID(req)
	p, err := changeable(req.PathValue("path"))
	if err == nil {
		var place tracking.Place
		if place, err = s.tracking.Locate(ctx, ws, p); err == nil {
			err = act(ctx, ws, place)
		}
	}
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

// changeable checks the path of a file that is to be written or removed.
func changeable(p string) (string, error) {
	p, err := tracking.CheckArtifactPath(p)
	if err == nil && strings.HasPrefix(p+"/", treeFolder) {
		err = atelier.Errorf(atelier.Invalid, "The files of a registered version never change.").At("path")
	}
	return p, err
}

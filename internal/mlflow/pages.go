package mlflow

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/tracking"
)

// rootRoutes are what MLflow's own pages, and scripts that imitate them, fetch
// outside of the API.
func (s *server) rootRoutes() []endpoint {
	return []endpoint{
		{"GET /get-artifact", readArtifacts, s.pageArtifact, 0},
		{"GET /model-versions/get-artifact", readArtifacts, s.pageVersionArtifact, 0},
	}
}

// pageRoutes are what they fetch and send as part of the API.
func (s *server) pageRoutes() []endpoint {
	return []endpoint{
		{"GET /mlflow/logged-models/{model_id}/artifacts/files", readArtifacts, s.pageModelArtifact, 0},
		{"POST /mlflow/upload-artifact", writeArtifacts, s.pageUpload, unlimited},
	}
}

// artifactQuery is the query of all of them.
type artifactQuery struct {
	RunID   string `json:"run_id"`
	RunUUID string `json:"run_uuid"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
	File    string `json:"artifact_file_path"`
}

func queryOf(req *http.Request) (q artifactQuery, err error) {
	if err = decodeQuery(req.URL.Query(), &q); err != nil {
		return q, err
	}
	if q.Path == "" {
		q.Path = q.File
	}
	if q.Path == "" {
		return q, missing("path")
	}
	q.Path, err = tracking.CheckArtifactPath(q.Path)
	return q, err
}

func (s *server) pageArtifact(w http.ResponseWriter, req *http.Request) {
	q, err := queryOf(req)
	id, missing := runID(q.RunID, q.RunUUID)
	if err = cmp.Or(err, missing); err != nil {
		s.writeError(w, req, err)
		return
	}
	content, file, err := s.tracking.OpenRun(req.Context(), workspaceID(req), id, q.Path)
	s.serve(w, req, content, file, err)
}

func (s *server) pageModelArtifact(w http.ResponseWriter, req *http.Request) {
	q, err := queryOf(req)
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	owner := tracking.Owner{Kind: tracking.LoggedModelArtifact, ID: req.PathValue("model_id")}
	content, file, err := s.tracking.Open(req.Context(), workspaceID(req), owner, q.Path)
	s.serve(w, req, content, file, err)
}

func (s *server) pageVersionArtifact(w http.ResponseWriter, req *http.Request) {
	q, err := queryOf(req)
	if err == nil {
		err = required("name", q.Name, "version", q.Version)
	}
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	tree, err := s.versionTree(req.Context(), workspaceID(req), q)
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	content, file, err := s.openInTree(req.Context(), workspaceID(req), tree, q.Path)
	s.serve(w, req, content, file, err)
}

func (s *server) versionTree(ctx context.Context, ws string, q artifactQuery) (blob.Tree, error) {
	version, err := s.models.Version(ctx, ws, q.Name, q.Version)
	if err != nil {
		return blob.Tree{}, err
	}
	if version.Tree == "" {
		return blob.Tree{}, atelier.Errorf(atelier.NotFound, "The files of this version are not kept here but at '%s'.", atelier.Clip(version.Path, 200))
	}
	return blob.GetTree(ctx, s.blobs, ws, version.Tree)
}

const maxPageUpload = 10 << 20

// pageUpload stores a small file of a run.
func (s *server) pageUpload(w http.ResponseWriter, req *http.Request) {
	id, err := "", error(nil)
	if id = cmp.Or(req.URL.Query().Get("run_uuid"), req.URL.Query().Get("run_id")); id == "" {
		err = atelier.Errorf(atelier.Invalid, "Request must specify run_uuid.").At("run_uuid")
	} else if req.URL.Query().Get("path") == "" {
		err = atelier.Errorf(atelier.Invalid, "Request must specify path.").At("path")
	}
	q, wrong := queryOf(req)
	if err = cmp.Or(err, wrong); err == nil && req.ContentLength == 0 {
		err = atelier.Errorf(atelier.Invalid, "Request must specify data.")
	}
	if err == nil {
		body := http.MaxBytesReader(w, req.Body, maxPageUpload)
		err = s.tracking.Upload(req.Context(), workspaceID(req), tracking.Owner{Kind: tracking.RunArtifact, ID: id}, q.Path, body)
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		err = atelier.Errorf(atelier.Invalid, "Artifact size is too large. Max size is 10MB.").At("path")
	}
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	writeJSON(w, http.StatusOK, struct{}{})
}

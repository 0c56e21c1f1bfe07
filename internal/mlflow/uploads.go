package mlflow

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/upload"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// noMultipart are the words on which clients fall back to one plain request.
const noMultipart = "%s is not supported for the current artifact repository"

// partPath is where parts are sent. It is below the workspace, because clients send
// nothing but the part: no token, and no header that names a workspace.
const partPath = "/workspaces/{workspace}/api/2.0/mlflow-artifacts/mpu/parts/{upload}/{part}"

// registerParts adds the route whose addresses are signed.
func (s *server) registerParts(t *route.Table) {
	t.HandleFunc(route.Route{Method: "PUT", Path: partPath, Access: route.OwnKey, Summary: "MLflow", Tag: "mlflow",
		Errors: s.writeError, MaxBody: unlimited, Hidden: true}, s.uploadPart)
}

// uploadRequest is what the calls about an upload in parts say.
type uploadRequest struct {
	Path     string  `json:"path"` // of the file at the client, in its machine's form
	NumParts integer `json:"num_parts"`
	UploadID string  `json:"upload_id"`
	Parts    []struct {
		Number integer `json:"part_number"`
		ETag   string  `json:"etag"`
	} `json:"parts"`
}

type uploadCredential struct {
	URL    string `json:"url"`
	Number int    `json:"part_number"`
}

type createUploadAnswer struct {
	UploadID    string             `json:"upload_id"`
	Credentials []uploadCredential `json:"credentials"`
}

// ofUpload makes a handler of act, which is told where the upload's file is to be:
// in the folder that the address names, under the name that it has at the client.
func (s *server) ofUpload(act func(req *http.Request, file string, in *uploadRequest) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		in := new(uploadRequest)
		err := decode(req, in)
		var file string
		if err == nil {
			file, err = in.file(req.PathValue("path"))
		}
		var answer any
		if err == nil {
			answer, err = act(req, file, in)
		}
		if err != nil {
			s.writeError(w, req, err)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

func (in *uploadRequest) file(folder string) (string, error) {
	if err := required("path", in.Path); err != nil {
		return "", err
	}
	folder, err := tracking.CheckArtifactFolder(folder)
	if err != nil {
		return "", err
	}
	name := in.Path[strings.LastIndexAny(in.Path, `/\`)+1:]
	return changeable(strings.TrimPrefix(folder+"/"+name, "/"))
}

func (s *server) createUpload(req *http.Request, file string, in *uploadRequest) (any, error) {
	ctx, ws := req.Context(), workspace.From(req.Context())
	made, err := s.uploads.Begin(ctx, ws.ID, file, int(in.NumParts))
	if err != nil {
		return nil, err
	}
	answer := createUploadAnswer{made.ID, make([]uploadCredential, made.Parts)}
	for i := range answer.Credentials {
		answer.Credentials[i] = uploadCredential{origin(req) + partAddress(ws.Name, made, i+1), i + 1}
	}
	return answer, nil
}

// origin is the server as this client reaches it.
func origin(req *http.Request) string {
	if req.TLS != nil || strings.EqualFold(req.Header.Get("X-Forwarded-Proto"), "https") {
		return "https://" + req.Host
	}
	return "http://" + req.Host
}

func partAddress(ws string, u upload.Upload, part int) string {
	path := strings.NewReplacer("{workspace}", url.PathEscape(ws), "{upload}", u.ID, "{part}", strconv.Itoa(part)).Replace(partPath)
	return path + "?signature=" + u.Signature(part)
}

// uploadPart takes a part, and answers with the ETag by which the client then names
// its content.
func (s *server) uploadPart(w http.ResponseWriter, req *http.Request) {
	part, _ := strconv.Atoi(req.PathValue("part")) // no number is no part
	hash, err := s.uploads.PutPart(req.Context(), workspaceID(req), req.PathValue("upload"), part, req.URL.Query().Get("signature"), req.Body)
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	w.Header().Set("ETag", `"`+string(hash)+`"`)
	writeJSON(w, http.StatusOK, struct{}{})
}

func (s *server) completeUpload(req *http.Request, file string, in *uploadRequest) (any, error) {
	if err := required("upload_id", in.UploadID); err != nil {
		return nil, err
	}
	parts := make([]upload.Part, len(in.Parts))
	for i, part := range in.Parts {
		parts[i] = upload.Part{Number: int(part.Number), Hash: blob.Hash(strings.Trim(part.ETag, `"`))}
	}
	return struct{}{}, s.uploads.Complete(req.Context(), workspaceID(req), in.UploadID, file, parts)
}

func (s *server) abortUpload(req *http.Request, file string, in *uploadRequest) (any, error) {
	if err := required("upload_id", in.UploadID); err != nil {
		return nil, err
	}
	return struct{}{}, s.uploads.Abort(req.Context(), workspaceID(req), in.UploadID, file)
}

var uploadRoute = regexp.MustCompile(`^(?:/workspaces/[^/]+)?/(?:ajax-)?api/2\.0/mlflow-artifacts/mpu/create/`)

// BeginsUpload reports whether a request asks for addresses to send a file's parts to.
func BeginsUpload(req *http.Request) bool {
	return req.Method == http.MethodPost && uploadRoute.MatchString(req.URL.EscapedPath())
}

// RefuseUpload answers it so that the client sends the file in one request, which
// somebody who answers in the server's place can keep for later.
func RefuseUpload(w http.ResponseWriter) {
	WriteError(w, atelier.Errorf(atelier.NotImplemented, noMultipart, "Multipart upload"))
}

func (s *server) refuseDownload(w http.ResponseWriter, req *http.Request) {
	s.writeError(w, req, atelier.Errorf(atelier.NotImplemented, noMultipart, "Multipart download"))
}

func (s *server) refusePresigned(ctx context.Context, ws string, in *listArtifactsRequest) (any, error) {
	if err := required("run_id", in.RunID, "path", in.Path); err != nil {
		return nil, err
	}
	if _, err := s.tracking.Run(ctx, ws, in.RunID); err != nil {
		return nil, err
	}
	return nil, atelier.Errorf(atelier.Invalid, "Presigned upload is not supported for runs with proxied artifact storage. Upload through the server.").At("run_id")
}

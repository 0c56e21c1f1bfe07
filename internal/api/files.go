package api

import (
	"archive/zip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

type fileRoutes struct {
	blobs blob.Store
}

// RegisterFiles adds the routes by which folders come and go: the client asks
// which contents are missing, sends those, and then names the folder's files.
func RegisterFiles(t *route.Table, blobs blob.Store) {
	f := &fileRoutes{blobs: blobs}
	read := route.Route{Method: "GET", Permission: "metadata/artifacts/read", Tag: "files"}
	write := route.Route{Method: "POST", Permission: "metadata/artifacts/write", Tag: "files"}

	missing := write
	missing.Path, missing.Summary = inWorkspace+"/blobs/missing", "Which of these contents are not stored yet"
	route.Native(t, missing, f.missing)
	put := write
	put.Method, put.Path, put.Summary, put.MaxBody = "PUT", inWorkspace+"/blobs/{sha256}", "Store one content", -1
	t.HandleFunc(put, f.put)
	post := write
	post.Path, post.Summary, post.MaxBody = inWorkspace+"/blobs", "Store one content, and say its SHA-256", -1
	t.HandleFunc(post, f.post)
	get := read
	get.Path, get.Summary = inWorkspace+"/blobs/{sha256}", "Fetch one content"
	t.HandleFunc(get, f.get)
	archive := read
	archive.Path, archive.Summary = inWorkspace+"/trees/{tree}/archive", "Fetch a folder as a zip file"
	t.HandleFunc(archive, f.archive)
	putTree := write
	putTree.Path, putTree.Summary, putTree.Status = inWorkspace+"/trees", "Store a folder, whose contents are stored already", http.StatusCreated
	route.Native(t, putTree, f.putTree)
	getTree := read
	getTree.Path, getTree.Summary = inWorkspace+"/trees/{tree}", "List the files of a folder"
	route.Native(t, getTree, f.getTree)
}

// Missing lists contents by their SHA-256.
type Missing struct {
	Missing []blob.Hash `json:"missing"`
}

type missingRequest struct {
	WorkspacePath
	Body struct {
		SHA256 []blob.Hash `json:"sha256" maxItems:"10000"`
	}
}

func (f *fileRoutes) missing(ctx context.Context, in *missingRequest) (*Body[Missing], error) {
	missing, err := blob.Missing(ctx, f.blobs, workspace.From(ctx).ID, in.Body.SHA256)
	return answer(Missing{Missing: missing}, err)
}

func (f *fileRoutes) put(w http.ResponseWriter, req *http.Request) {
	hash, err := blob.ParseHash(req.PathValue("sha256"))
	if err == nil {
		_, err = f.blobs.PutAs(req.Context(), workspace.From(req.Context()).ID, hash, req.Body)
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Stored is a content that is stored now.
type Stored struct {
	SHA256 blob.Hash `json:"sha256"`
	Size   int64     `json:"size"`
}

// post is for who cannot hash before sending: a browser can only in memory, and
// only where the page came over TLS or from this machine.
func (f *fileRoutes) post(w http.ResponseWriter, req *http.Request) {
	hash, size, err := f.blobs.Put(req.Context(), workspace.From(req.Context()).ID, req.Body)
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(Stored{hash, size})
}

// archive writes the files one after the other as they are stored. A file that
// cannot be read ends the answer in the middle: a zip file without its end is
// refused by whoever opens it.
func (f *fileRoutes) archive(w http.ResponseWriter, req *http.Request) {
	ws := workspace.From(req.Context()).ID
	hash, err := blob.ParseHash(req.PathValue("tree"))
	var tree blob.Tree
	if err == nil {
		tree, err = blob.GetTree(req.Context(), f.blobs, ws, hash)
	}
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/zip")
	header.Set("Content-Disposition", "attachment")
	packed := zip.NewWriter(w)
	for _, file := range tree.Files {
		if err := f.pack(req.Context(), packed, ws, file); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	packed.Close()
}

func (f *fileRoutes) pack(ctx context.Context, into *zip.Writer, ws string, file blob.File) error {
	content, _, err := f.blobs.Open(ctx, ws, file.Hash)
	if err != nil {
		return err
	}
	defer content.Close()
	entry := &zip.FileHeader{Name: file.Path, Method: zip.Store}
	entry.SetMode(0o644)
	if file.Executable {
		entry.SetMode(0o755)
	}
	to, err := into.CreateHeader(entry)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, blob.UntilDone(ctx, content))
	return err
}

func (f *fileRoutes) get(w http.ResponseWriter, req *http.Request) {
	hash, err := blob.ParseHash(req.PathValue("sha256"))
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	content, size, err := f.blobs.Open(req.Context(), workspace.From(req.Context()).ID, hash)
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	defer content.Close()
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", "attachment")
	header.Set("Content-Length", strconv.FormatInt(size, 10))
	header.Set("Cache-Control", "private, immutable, max-age=31536000")
	io.Copy(w, content)
}

type putTreeRequest struct {
	WorkspacePath
	Body struct {
		Files []blob.File `json:"files" maxItems:"200000"`
	}
}

func (f *fileRoutes) putTree(ctx context.Context, in *putTreeRequest) (*Body[blob.Tree], error) {
	if len(in.Body.Files) == 0 {
		return nil, atelier.Errorf(atelier.Invalid, "The folder has no files.").At("files")
	}
	return answer(blob.PutTree(ctx, f.blobs, workspace.From(ctx).ID, in.Body.Files))
}

type treePath struct {
	WorkspacePath
	Tree string `path:"tree"`
}

func (f *fileRoutes) getTree(ctx context.Context, in *treePath) (*Body[blob.Tree], error) {
	return answer(blob.GetTree(ctx, f.blobs, workspace.From(ctx).ID, blob.Hash(in.Tree)))
}

package mlflow

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// registerWorkspaces adds the routes of MLflow's workspaces, which are ours. Their
// names are in the path, so the header that picks a workspace is not read.
func (s *server) registerWorkspaces(t *route.Table) {
	for _, api := range []string{"/api", "/ajax-api"} {
		all := api + "/3.0/mlflow/workspaces"
		add := func(method, path string, access route.Access, permission atelier.Permission, handler http.HandlerFunc) {
			t.Handle(route.Route{Method: method, Path: path, Access: access, Permission: permission, Summary: "MLflow", Tag: "mlflow",
				Errors: s.writeError, Hidden: true}, handler)
		}
		add("GET", all, route.SignedIn, "", s.listWorkspaces)
		add("POST", all, route.OnServer, "workspaces/create", s.createWorkspace)
		add("GET", all+"/{workspace}", route.InWorkspace, "workspaces/read", s.getWorkspace)
		add("PATCH", all+"/{workspace}", route.InWorkspace, "workspaces/write", s.updateWorkspace)
		add("DELETE", all+"/{workspace}", route.InWorkspace, "workspaces/delete", s.deleteWorkspace)
	}
}

type workspaceInfo struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Root        string `json:"default_artifact_root"`
}

func workspaceOf(ws workspace.Workspace) workspaceInfo {
	return workspaceInfo{ws.Name, ws.Description, "mlflow-artifacts:/"}
}

func (s *server) answerWorkspace(w http.ResponseWriter, req *http.Request, status int, ws workspace.Workspace, err error) {
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	writeJSON(w, status, map[string]any{"workspace": workspaceOf(ws)})
}

// listWorkspaces answers with those in which the actor has a role.
func (s *server) listWorkspaces(w http.ResponseWriter, req *http.Request) {
	all, err := s.workspaces.List(req.Context())
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	actor, _ := atelier.ActorFrom(req.Context())
	answer := struct {
		Workspaces []workspaceInfo `json:"workspaces,omitempty"`
	}{}
	for _, ws := range all {
		err := s.access.Authorize(req.Context(), actor, ws.ID, "workspaces/read")
		if code := atelier.CodeOf(err); code == atelier.Forbidden || code == atelier.NotFound {
			continue
		}
		if err != nil {
			s.writeError(w, req, err)
			return
		}
		answer.Workspaces = append(answer.Workspaces, workspaceOf(ws))
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *server) getWorkspace(w http.ResponseWriter, req *http.Request) {
	s.answerWorkspace(w, req, http.StatusOK, workspace.From(req.Context()), nil)
}

type workspaceRequest struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
	Root        *string `json:"default_artifact_root"`
}

// workspaceRequestOf reads a request to make or change a workspace.
func workspaceRequestOf(req *http.Request) (in workspaceRequest, err error) {
	if err = decode(req, &in); err != nil {
		return in, err
	}
	if in.Root != nil && *in.Root != "" && *in.Root != "mlflow-artifacts:/" {
		return in, atelier.Errorf(atelier.Invalid, "A workspace has no artifact root of its own: all artifacts are kept with the server.").At("default_artifact_root").
			WithHint("Leave it out, or give an experiment an artifact_location.")
	}
	return in, nil
}

func (s *server) createWorkspace(w http.ResponseWriter, req *http.Request) {
	in, err := workspaceRequestOf(req)
	if err == nil {
		err = required("name", in.Name)
	}
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	wanted := workspace.Create{Name: in.Name}
	if in.Description != nil {
		wanted.Description = *in.Description
	}
	made, err := s.workspaces.Create(req.Context(), wanted)
	s.answerWorkspace(w, req, http.StatusCreated, made, err)
}

func (s *server) updateWorkspace(w http.ResponseWriter, req *http.Request) {
	in, err := workspaceRequestOf(req)
	if err == nil && in.Description == nil && in.Root == nil {
		err = atelier.Errorf(atelier.Invalid, "Workspace update must have at least one key")
	}
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	changed, err := s.workspaces.Update(req.Context(), req.PathValue("workspace"), workspace.Update{Description: in.Description})
	s.answerWorkspace(w, req, http.StatusOK, changed, err)
}

// deleteWorkspace removes a workspace that is empty, or with the mode CASCADE one
// with everything in it.
func (s *server) deleteWorkspace(w http.ResponseWriter, req *http.Request) {
	err := s.removeWorkspace(req.Context(), req.PathValue("workspace"), req.URL.Query().Get("mode"))
	if err != nil {
		s.writeError(w, req, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) removeWorkspace(ctx context.Context, name, mode string) error {
	var guards []workspace.Guard
	switch mode {
	case "", "RESTRICT":
		guards = s.contents
	case "CASCADE":
	case "SET_DEFAULT":
		return atelier.Errorf(atelier.NotImplemented, "What is in a workspace cannot be moved to the default one: delete it with the mode CASCADE, or not at all.").At("mode")
	default:
		return atelier.Errorf(atelier.Invalid, "Invalid deletion mode '%s'. Must be one of: SET_DEFAULT, CASCADE, RESTRICT", atelier.Clip(mode, 40)).At("mode")
	}
	removed, err := s.workspaces.Delete(ctx, name, guards...)
	if err != nil {
		return err
	}
	return s.blobs.DeleteAll(ctx, removed.ID)
}

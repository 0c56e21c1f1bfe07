// Package api is the native REST API: one file for each noun, in which routes
// meet the services that do the work. Nothing is decided here.
//
// The bodies are the nouns' own structs, so that a field has the same name in
// Go, in JSON and in YAML. The OpenAPI document comes from the same table of
// routes; api/openapi.json is its committed copy, and a test keeps them equal.
package api

import (
	"net/http"

	"github.com/atelier-ml/atelier/internal/route"
)

// Prefix of the routes inside a workspace.
const inWorkspace = "/api/v1/workspaces/{workspace}"

// Body is an answer that consists of one value.
type Body[T any] struct {
	Body T
}

func answer[T any](value T, err error) (*Body[T], error) {
	if err != nil {
		return nil, err
	}
	return &Body[T]{Body: value}, nil
}

// Empty is an answer, or a question, without content.
type Empty struct{}

// RegisterOpenAPI serves the document of all routes registered so far and later.
func RegisterOpenAPI(t *route.Table) {
	t.HandleFunc(route.Route{Method: "GET", Path: "/api/v1/openapi.json", Access: route.Public, Hidden: true,
		Summary: "This document"}, func(w http.ResponseWriter, req *http.Request) {
		document, err := t.OpenAPI()
		if err != nil {
			route.WriteError(w, req, err)
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(document)
	})
}

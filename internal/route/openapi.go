package route

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Native adds a route of the native API: its input and its output are structs,
// checked and documented from their fields (github.com/danielgtaylor/huma).
func Native[I, O any](t *Table, r Route, handler func(context.Context, *I) (*O, error)) {
	t.registering = &r
	defer func() { t.registering = nil }()
	operation := t.operation(r)
	huma.Register(t.api, operation, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, failure(ctx, err)
		}
		return out, nil
	})
}

func (t *Table) operation(r Route) huma.Operation {
	return huma.Operation{
		OperationID: operationID(r), Method: r.Method, Path: r.Path, Summary: r.Summary, Tags: []string{r.Tag},
		DefaultStatus: r.Status, Hidden: r.Hidden, MaxBodyBytes: bodyLimit(r), Errors: nil,
		Extensions: map[string]any{"x-permission": string(r.Permission), "x-access": r.Access.String()},
	}
}

// operationID makes "get-jobs-job-logs" of GET /api/v1/workspaces/{workspace}/jobs/{job}/logs.
func operationID(r Route) string {
	path := strings.TrimPrefix(r.Path, "/api/v1")
	path = strings.TrimPrefix(path, "/workspaces/{workspace}/")
	words := strings.FieldsFunc(path, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	return strings.ToLower(r.Method) + "-" + strings.Join(words, "-")
}

// document describes a route with a plain handler, whose bodies have no schema.
func (t *Table) document(r Route) {
	if !strings.HasPrefix(r.Path, "/api/v1/") {
		return
	}
	operation := t.operation(r)
	for _, part := range strings.Split(r.Path, "/") {
		if strings.HasPrefix(part, "{") {
			operation.Parameters = append(operation.Parameters, &huma.Param{
				Name: strings.Trim(part, "{}."), In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
		}
	}
	operation.Responses = map[string]*huma.Response{"200": {Description: "OK"}}
	t.api.OpenAPI().AddOperation(&operation)
}

// OpenAPI returns the document of the native API, OpenAPI 3.1 in JSON.
func (t *Table) OpenAPI() ([]byte, error) {
	text, err := json.MarshalIndent(t.api.OpenAPI(), "", "  ")
	return append(text, '\n'), err
}

func newAPI(t *Table, version string) huma.API {
	// huma asks this variable how refusals look; it is its only way.
	huma.NewErrorWithContext = refusal
	huma.NewError = func(status int, message string, faults ...error) huma.StatusError {
		return refusal(nil, status, message, faults...)
	}
	huma.DefaultArrayNullable = false // a list without items is [], never null
	config := huma.DefaultConfig("Atelier", version)
	config.Info.Description = "The native API of an Atelier server. Send a token as `Authorization: Bearer TOKEN`."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks, config.Transformers = nil, nil
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	config.Security = []map[string][]string{{"token": {}}}
	return humago.New(humaMux{t}, config)
}

// humaMux lets huma register its handlers in the table, behind the gate.
type humaMux struct{ table *Table }

func (m humaMux) HandleFunc(_ string, handler func(http.ResponseWriter, *http.Request)) {
	m.table.HandleFunc(*m.table.registering, handler)
}

func (m humaMux) ServeHTTP(w http.ResponseWriter, req *http.Request) { m.table.ServeHTTP(w, req) }

// plainNames are the packages whose types are known by their own name alone.
var plainNames = map[string]bool{"atelier": true, "api": true, "access": true, "tracking": true, "blob": true, "route": true, "workspace": true}

// schemaName names a type in the document: model.Version is "ModelVersion",
// job.Job is "Job", atelier.Page[job.Job] is "JobPage".
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" || t.PkgPath() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	if generic, argument, ok := strings.Cut(name, "["); ok {
		argument = strings.TrimSuffix(argument, "]")
		return qualified(argument[:strings.LastIndex(argument, ".")], argument[strings.LastIndex(argument, ".")+1:]) + generic
	}
	return qualified(t.PkgPath(), name)
}

func qualified(pkg, name string) string {
	pkg = pkg[strings.LastIndex(pkg, "/")+1:]
	name = strings.ToUpper(name[:1]) + name[1:]
	prefix := strings.ToUpper(pkg[:1]) + pkg[1:]
	if plainNames[pkg] || strings.HasPrefix(name, prefix) {
		return name
	}
	return prefix + name
}

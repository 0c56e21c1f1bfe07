package api

import (
	"context"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/blob"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/tracking"
	"github.com/atelier-ml/atelier/internal/tracking/series"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterRuns adds the routes of runs, their metrics and their artifacts.
func RegisterRuns(t *route.Table, tracked *tracking.Service) {
	r := &runRoutes{tracked}
	route.Union[series.Value](t) // a number, or "NaN", "Infinity", "-Infinity"
	all, one := inWorkspace+"/runs", inWorkspace+"/runs/{run}"
	route.Native(t, route.Route{Method: "GET", Path: all, Permission: "experiments/runs/read", Summary: "Search runs", Tag: "runs"}, r.list)
	route.Native(t, route.Route{Method: "POST", Path: all + "/import", Permission: "experiments/runs/write", MaxBody: importLimit,
		Summary: "Bring a run that happened elsewhere, with its id", Tag: "runs"}, r.importRun)
	route.Native(t, route.Route{Method: "GET", Path: one, Permission: "experiments/runs/read", Summary: "Show a run", Tag: "runs"}, r.get)
	route.Native(t, route.Route{Method: "PUT", Path: one, Permission: "experiments/runs/write",
		Summary: "Start a run with an id of the sender's choice, once", Tag: "runs"}, r.start)
	route.Native(t, route.Route{Method: "PATCH", Path: one, Permission: "experiments/runs/write", Summary: "Change a run's name or tags", Tag: "runs"}, r.update)
	route.Native(t, route.Route{Method: "DELETE", Path: one, Permission: "experiments/runs/delete", Summary: "Hide a run until it is restored", Tag: "runs"}, r.delete)
	route.Native(t, route.Route{Method: "POST", Path: one + "/restore", Permission: "experiments/runs/delete", Summary: "Restore a deleted run", Tag: "runs"}, r.restore)
	route.Native(t, route.Route{Method: "GET", Path: one + "/contents", Permission: "experiments/runs/read",
		Summary: "Count a run's points and list all its files", Tag: "runs"}, r.contents)
	route.Native(t, route.Route{Method: "POST", Path: all + "/purge", Permission: "workspaces/write", Summary: "Remove runs that were deleted long ago, for good", Tag: "runs"}, r.purge)
	route.Native(t, route.Route{Method: "GET", Path: one + "/metrics", Permission: "experiments/runs/read",
		Summary: "Read a metric's history, thinned out so that its extremes stay", Tag: "runs"}, r.metric)
	route.Native(t, route.Route{Method: "GET", Path: one + "/metrics/buckets", Permission: "experiments/runs/read",
		Summary: "Sum up a part of a metric's history", Tag: "runs"}, r.buckets)
	route.Native(t, route.Route{Method: "GET", Path: one + "/artifacts", Permission: "metadata/artifacts/read",
		Summary: "List a folder of a run's artifacts", Tag: "runs"}, r.artifacts)
	route.Native(t, route.Route{Method: "PUT", Path: one + "/artifacts", Permission: "metadata/artifacts/write",
		Summary: "Keep content that is stored already as a file of a run", Tag: "runs"}, r.nameArtifact)
	t.HandleFunc(route.Route{Method: "GET", Path: one + "/artifacts/content", Permission: "metadata/artifacts/read",
		Summary: "Fetch an artifact", Tag: "runs"}, r.content)
}

type runRoutes struct {
	tracking *tracking.Service
}

type listRuns struct {
	WorkspacePath
	Experiments []string      `query:"experiment,explode" doc:"Names or ids of experiments; without any, all are searched."`
	Filter      string        `query:"filter" doc:"Conditions like metrics.rmse < 60 AND params.model = 'ridge', joined by AND."`
	OrderBy     []string      `query:"order_by,explode" doc:"A field, then ASC or DESC: metrics.rmse ASC."`
	View        tracking.View `query:"view" enum:"active,deleted,all" default:"active"`
	MaxResults  int           `query:"max_results" minimum:"0" maximum:"50000"`
	PageToken   string        `query:"page_token"`
	Skip        int           `query:"skip" minimum:"0" maximum:"1000000" doc:"How many runs to leave out before the page."`
	Count       bool          `query:"count" doc:"Whether to count the runs on all pages."`
}

// RunPage is a page of runs. Total, where it was asked for, is how many runs all
// pages have together.
type RunPage struct {
	Items         []tracking.Run `json:"items"`
	NextPageToken string         `json:"next_page_token,omitempty"`
	Total         *int           `json:"total,omitempty"`
}

func (r *runRoutes) list(ctx context.Context, in *listRuns) (*Body[RunPage], error) {
	ws := workspace.From(ctx).ID
	q := tracking.Search{Filter: in.Filter, OrderBy: in.OrderBy, View: in.View, MaxResults: in.MaxResults, PageToken: in.PageToken, Skip: in.Skip}
	for _, ref := range in.Experiments {
		experiment, err := r.tracking.FindExperiment(ctx, ws, ref)
		if err != nil {
			return nil, err
		}
		q.Experiments = append(q.Experiments, experiment.ID)
	}
	page, err := r.tracking.SearchRuns(ctx, ws, q)
	if err != nil {
		return nil, err
	}
	listed := RunPage{Items: page.Items, NextPageToken: page.NextPageToken}
	if in.Count {
		total, err := r.tracking.CountRuns(ctx, ws, q)
		if err != nil {
			return nil, err
		}
		listed.Total = &total
	}
	return &Body[RunPage]{listed}, nil
}

// importLimit bounds what is said of one run. Params and tags have limits of
// their own, which many of them together may pass.
const importLimit = 64 << 20

type importRun struct {
	WorkspacePath
	Body tracking.ImportRun
}

func (r *runRoutes) importRun(ctx context.Context, in *importRun) (*Body[tracking.Run], error) {
	return answer(r.tracking.Import(ctx, workspace.From(ctx).ID, in.Body))
}

func (r *runRoutes) contents(ctx context.Context, in *RunPath) (*Body[tracking.RunContents], error) {
	return answer(r.tracking.Contents(ctx, workspace.From(ctx).ID, in.Run))
}

// RunPath names a run.
type RunPath struct {
	WorkspacePath
	Run string `path:"run"`
}

func (r *runRoutes) get(ctx context.Context, in *RunPath) (*Body[tracking.Run], error) {
	return answer(r.tracking.Run(ctx, workspace.From(ctx).ID, in.Run))
}

type startRun struct {
	RunPath
	Body tracking.NewRun
}

func (r *runRoutes) start(ctx context.Context, in *startRun) (*Body[tracking.Run], error) {
	if err := tracking.CheckChosenID(in.Run); err != nil {
		return nil, err
	}
	in.Body.ID = in.Run
	return answer(r.tracking.StartRun(ctx, workspace.From(ctx).ID, in.Body))
}

type updateRun struct {
	RunPath
	Body struct {
		Name *string            `json:"name,omitempty"`
		Tags map[string]*string `json:"tags,omitempty" doc:"Tags to set; null removes one."`
	}
}

func (r *runRoutes) update(ctx context.Context, in *updateRun) (*Body[tracking.Run], error) {
	return answer(r.tracking.Update(ctx, workspace.From(ctx).ID, in.Run, tracking.UpdateRun{Name: in.Body.Name, Tags: in.Body.Tags}))
}

func (r *runRoutes) delete(ctx context.Context, in *RunPath) (*Empty, error) {
	return &Empty{}, r.tracking.Delete(ctx, workspace.From(ctx).ID, in.Run)
}

func (r *runRoutes) restore(ctx context.Context, in *RunPath) (*Body[tracking.Run], error) {
	ws := workspace.From(ctx).ID
	if err := r.tracking.Restore(ctx, ws, in.Run); err != nil {
		return nil, err
	}
	return answer(r.tracking.Run(ctx, ws, in.Run))
}

type purgeRuns struct {
	WorkspacePath
	Body tracking.Purge
}

func (r *runRoutes) purge(ctx context.Context, in *purgeRuns) (*Body[tracking.Purged], error) {
	return answer(r.tracking.Purge(ctx, workspace.From(ctx).ID, in.Body))
}

type readMetric struct {
	RunPath
	Key       string `query:"key" required:"true"`
	MaxPoints int    `query:"max_points" minimum:"0" maximum:"50000" doc:"2000 when it is left out."`
}

func (r *runRoutes) metric(ctx context.Context, in *readMetric) (*Body[tracking.MetricSeries], error) {
	return answer(r.tracking.Chart(ctx, workspace.From(ctx).ID, in.Run, in.Key, in.MaxPoints))
}

type sumUpMetric struct {
	RunPath
	Key     string      `query:"key" required:"true"`
	By      series.Axis `query:"by" enum:"step,time" default:"step" doc:"What the buckets go along; time is in milliseconds since 1970."`
	From    string      `query:"from" doc:"The first step or time; that of the series when it is left out."`
	To      string      `query:"to" doc:"The last step or time; that of the series when it is left out."`
	Buckets int         `query:"buckets" minimum:"1" maximum:"50000" default:"500"`
}

func (r *runRoutes) buckets(ctx context.Context, in *sumUpMetric) (*Body[tracking.MetricBuckets], error) {
	from, err := wholeNumber("from", in.From)
	if err != nil {
		return nil, err
	}
	to, err := wholeNumber("to", in.To)
	if err != nil {
		return nil, err
	}
	return answer(r.tracking.Buckets(ctx, workspace.From(ctx).ID, in.Run, in.Key, series.Range{Axis: in.By, From: from, To: to}, in.Buckets))
}

// wholeNumber reads a parameter that may be left out.
func wholeNumber(name, text string) (*int64, error) {
	if text == "" {
		return nil, nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter '%s' supplied: it must be a whole number.", atelier.Clip(text, 60), name).At(name)
	}
	return &number, nil
}

type listArtifacts struct {
	RunPath
	Path string `query:"path" doc:"A folder, relative to the run; the root when it is left out."`
}

func (r *runRoutes) artifacts(ctx context.Context, in *listArtifacts) (*Body[atelier.Page[tracking.Artifact]], error) {
	items, err := r.tracking.ListRun(ctx, workspace.From(ctx).ID, in.Run, in.Path)
	return answer(atelier.Page[tracking.Artifact]{Items: items}, err)
}

type nameArtifact struct {
	RunPath
	Body struct {
		Path string    `json:"path"`
		Hash blob.Hash `json:"sha256" doc:"Of content that PUT .../blobs/{sha256} stored."`
	}
}

func (r *runRoutes) nameArtifact(ctx context.Context, in *nameArtifact) (*Body[tracking.Artifact], error) {
	hash, err := blob.ParseHash(string(in.Body.Hash))
	if err != nil {
		return nil, err
	}
	return answer(r.tracking.NameArtifact(ctx, workspace.From(ctx).ID, in.Run, in.Body.Path, hash))
}

// content sends the bytes of an artifact. A browser never runs what a user
// stored: it is a download, or, as a preview, plain text or a picture.
func (r *runRoutes) content(w http.ResponseWriter, req *http.Request) {
	ctx, query := req.Context(), req.URL.Query()
	content, file, err := r.tracking.OpenRun(ctx, workspace.From(ctx).ID, req.PathValue("run"), query.Get("path"))
	if err != nil {
		route.WriteError(w, req, err)
		return
	}
	defer content.Close()
	kind, disposition := "application/octet-stream", "attachment"
	if query.Get("preview") == "1" {
		kind, disposition = previewType(file.Path), "inline"
	}
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": path.Base(file.Path)}))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	header.Set("Cache-Control", "private, no-cache")
	header.Set("ETag", `"`+string(file.Hash)+`"`)
	http.ServeContent(w, req, "", time.Time{}, content)
}

// previewType is the type under which a browser may show a file: a picture
// without scripts, or plain text.
func previewType(name string) string {
	pictures := map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp"}
	if kind, ok := pictures[strings.ToLower(path.Ext(name))]; ok {
		return kind
	}
	return "text/plain; charset=utf-8"
}

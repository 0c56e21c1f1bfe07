package api

import (
	"context"
	"net/http"

	"github.com/atelier-ml/atelier"
	"github.com/atelier-ml/atelier/internal/endpoint"
	"github.com/atelier-ml/atelier/internal/route"
	"github.com/atelier-ml/atelier/internal/workspace"
)

// RegisterEndpoints adds the routes by which endpoints and deployments are kept,
// and those at which they score.
func RegisterEndpoints(t *route.Table, endpoints *endpoint.Service) {
	e := &endpointRoutes{endpoints: endpoints}
	all, one := inWorkspace+"/online-endpoints", inWorkspace+"/online-endpoints/{endpoint}"
	read := atelier.Permission("endpoints/online/read")
	write := atelier.Permission("endpoints/online/write")
	remove := atelier.Permission("endpoints/online/delete")
	add := func(method, path string, permission atelier.Permission, summary string) route.Route {
		r := route.Route{Method: method, Path: path, Permission: permission, Summary: summary, Tag: "endpoints"}
		if method == "POST" {
			r.Status = http.StatusCreated
		}
		return r
	}
	route.Native(t, add("POST", all, write, "Create an endpoint"), e.create)
	route.Native(t, add("GET", all, read, "List endpoints"), e.list)
	route.Native(t, add("GET", one, read, "Get an endpoint"), e.get)
	route.Native(t, add("PATCH", one, write, "Change an endpoint: its traffic, above all"), e.update)
	route.Native(t, add("DELETE", one, remove, "Delete an endpoint with its deployments"), e.delete)
	route.Native(t, add("GET", one+"/credentials", "endpoints/online/listKeys/action", "Get an endpoint's keys"), e.credentials)
	regenerate := add("POST", one+"/regenerate-keys", "endpoints/online/regenerateKeys/action", "Replace one of an endpoint's keys")
	regenerate.Status = http.StatusOK
	route.Native(t, regenerate, e.regenerate)
	route.Native(t, add("POST", one+"/rollout", write, "Begin to move an endpoint's traffic to a deployment, step by step"), e.startRollout)
	stop := add("POST", one+"/rollout/stop", write, "Stop moving an endpoint's traffic, and move it back")
	stop.Status = http.StatusOK
	route.Native(t, stop, e.stopRollout)

	route.Native(t, add("GET", one+"/activity", read, "Get what an endpoint's deployments answered in the last minutes"), e.activity)

	deployments, deployment := one+"/deployments", one+"/deployments/{deployment}"
	route.Native(t, add("POST", deployments, write, "Put a deployment behind an endpoint"), e.createDeployment)
	route.Native(t, add("GET", deployments, read, "List an endpoint's deployments"), e.listDeployments)
	route.Native(t, add("GET", deployment, read, "Get a deployment"), e.getDeployment)
	route.Native(t, add("PATCH", deployment, write, "Change a deployment, without dropping a request"), e.updateDeployment)
	route.Native(t, add("DELETE", deployment, remove, "Delete a deployment that gets no traffic"), e.deleteDeployment)
	route.Native(t, add("GET", deployment+"/logs", read, "Read the last lines that a deployment printed"), e.logs)
	route.Native(t, add("GET", deployment+"/metrics", read, "Get what a deployment has answered since the server started"), e.metrics)
	e.registerCollected(t, deployment)
	registerScoring(t, endpoints.Router())
	t.HandleFunc(route.Route{Method: "GET", Path: inWorkspace + "/metrics", Permission: read, Tag: "endpoints",
		Summary: "Tell Prometheus what the workspace's deployments answer"}, func(w http.ResponseWriter, req *http.Request) {
		endpoints.ServeMetrics(w, req, workspace.From(req.Context()).ID)
	})
	t.HandleFunc(route.Route{Method: "GET", Path: "/metrics", Access: route.OnServer, Permission: "metrics/read", Tag: "endpoints",
		Summary: "Tell Prometheus what all deployments answer"}, func(w http.ResponseWriter, req *http.Request) {
		endpoints.ServeMetrics(w, req, "")
	})
}

// registerScoring adds the routes that answer to an endpoint's key.
func registerScoring(t *route.Table, router *endpoint.Router) {
	t.HandleFunc(route.Route{Method: "POST", Path: inWorkspace + "/online-endpoints/{endpoint}/invoke", MaxBody: -1,
		Permission: "endpoints/online/score/action", Summary: "Score with one's own sign-in instead of a key", Tag: "endpoints"}, router.Invoke)
	// The whole address belongs to the endpoint: its contract says itself what is
	// not found, and what method is not allowed.
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		t.Handle(route.Route{Method: method, Path: "/workspaces/{workspace}/endpoints/{endpoint}/{rest...}", Access: route.OwnKey,
			Hidden: true, MaxBody: -1, Summary: "Score with an endpoint's key"}, router.Handler(route.Credential))
	}
}

type endpointRoutes struct {
	endpoints *endpoint.Service
}

// EndpointPath is the path of one endpoint.
type EndpointPath struct {
	WorkspacePath
	Endpoint string `path:"endpoint"`
}

// DeploymentPath is the path of one deployment.
type DeploymentPath struct {
	EndpointPath
	Deployment string `path:"deployment"`
}

func (r *endpointRoutes) create(ctx context.Context, in *struct {
	WorkspacePath
	Body endpoint.CreateEndpoint
}) (*Body[endpoint.Endpoint], error) {
	return answer(r.endpoints.Create(ctx, workspace.From(ctx).ID, in.Body))
}

func (r *endpointRoutes) list(ctx context.Context, in *struct {
	WorkspacePath
	MaxResults int    `query:"max_results" minimum:"0" maximum:"1000"`
	PageToken  string `query:"page_token"`
}) (*Body[atelier.Page[endpoint.Endpoint]], error) {
	return answer(r.endpoints.List(ctx, workspace.From(ctx).ID, in.MaxResults, in.PageToken))
}

func (r *endpointRoutes) get(ctx context.Context, in *EndpointPath) (*Body[endpoint.Endpoint], error) {
	return answer(r.endpoints.Get(ctx, workspace.From(ctx).ID, in.Endpoint))
}

func (r *endpointRoutes) update(ctx context.Context, in *struct {
	EndpointPath
	Body endpoint.UpdateEndpoint
}) (*Body[endpoint.Endpoint], error) {
	return answer(r.endpoints.Update(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body))
}

func (r *endpointRoutes) delete(ctx context.Context, in *EndpointPath) (*struct{}, error) {
	return nil, r.endpoints.Delete(ctx, workspace.From(ctx).ID, in.Endpoint)
}

func (r *endpointRoutes) credentials(ctx context.Context, in *EndpointPath) (*Body[endpoint.Credentials], error) {
	return answer(r.endpoints.Credentials(ctx, workspace.From(ctx).ID, in.Endpoint))
}

func (r *endpointRoutes) regenerate(ctx context.Context, in *struct {
	EndpointPath
	Body struct {
		KeyType endpoint.KeyType `json:"key_type" doc:"primary or secondary"`
	}
}) (*Body[endpoint.Credentials], error) {
	return answer(r.endpoints.RegenerateKey(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body.KeyType))
}

func (r *endpointRoutes) startRollout(ctx context.Context, in *struct {
	EndpointPath
	Body endpoint.StartRollout
}) (*Body[endpoint.Endpoint], error) {
	return answer(r.endpoints.StartRollout(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body))
}

func (r *endpointRoutes) stopRollout(ctx context.Context, in *struct {
	EndpointPath
	Body struct {
		KeepTraffic bool `json:"keep_traffic,omitempty" doc:"Leave the traffic as it is instead of moving it back."`
	}
}) (*Body[endpoint.Endpoint], error) {
	return answer(r.endpoints.StopRollout(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body.KeepTraffic))
}

func (r *endpointRoutes) activity(ctx context.Context, in *EndpointPath) (*Body[endpoint.Activity], error) {
	return answer(r.endpoints.Activity(ctx, workspace.From(ctx).ID, in.Endpoint))
}

func (r *endpointRoutes) createDeployment(ctx context.Context, in *struct {
	EndpointPath
	AllTraffic bool `query:"all_traffic" doc:"Send all of the endpoint's traffic to it."`
	Body       endpoint.CreateDeployment
}) (*Body[endpoint.Deployment], error) {
	return answer(r.endpoints.CreateDeployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Body, in.AllTraffic))
}

func (r *endpointRoutes) listDeployments(ctx context.Context, in *EndpointPath) (*Body[atelier.Page[endpoint.Deployment]], error) {
	found, err := r.endpoints.Deployments(ctx, workspace.From(ctx).ID, in.Endpoint)
	return answer(atelier.Page[endpoint.Deployment]{Items: found}, err)
}

func (r *endpointRoutes) getDeployment(ctx context.Context, in *DeploymentPath) (*Body[endpoint.Deployment], error) {
	return answer(r.endpoints.Deployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment))
}

func (r *endpointRoutes) updateDeployment(ctx context.Context, in *struct {
	DeploymentPath
	Body endpoint.UpdateDeployment
}) (*Body[endpoint.Deployment], error) {
	return answer(r.endpoints.UpdateDeployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment, in.Body))
}

func (r *endpointRoutes) deleteDeployment(ctx context.Context, in *DeploymentPath) (*struct{}, error) {
	return nil, r.endpoints.DeleteDeployment(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment)
}

// DeploymentLogs is the end of what a deployment printed.
type DeploymentLogs struct {
	Content string `json:"content"`
}

func (r *endpointRoutes) logs(ctx context.Context, in *struct {
	DeploymentPath
	Tail int `query:"tail" minimum:"0" maximum:"100000" doc:"How many lines; 5000 when not given."`
}) (*Body[DeploymentLogs], error) {
	content, err := r.endpoints.DeploymentLogs(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment, in.Tail)
	return answer(DeploymentLogs{Content: content}, err)
}

func (r *endpointRoutes) metrics(ctx context.Context, in *DeploymentPath) (*Body[endpoint.Metrics], error) {
	return answer(r.endpoints.Metrics(ctx, workspace.From(ctx).ID, in.Endpoint, in.Deployment))
}

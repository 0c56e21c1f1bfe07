package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/atelier-ml/atelier/internal/endpoint"
)

const onlineEndpoints = "online-endpoints"

// CreateEndpoint makes an online endpoint.
func (c *Client) CreateEndpoint(ctx context.Context, ask endpoint.CreateEndpoint) (endpoint.Endpoint, error) {
	return post[endpoint.Endpoint](ctx, c, c.path(onlineEndpoints), ask)
}

// ListEndpoints returns the online endpoints of the workspace.
func (c *Client) ListEndpoints(ctx context.Context) ([]endpoint.Endpoint, error) {
	return list[endpoint.Endpoint](ctx, c, c.path(onlineEndpoints), nil, 0)
}

// GetEndpoint returns the online endpoint called name.
func (c *Client) GetEndpoint(ctx context.Context, name string) (endpoint.Endpoint, error) {
	return get[endpoint.Endpoint](ctx, c, c.path(onlineEndpoints, name), nil)
}

// UpdateEndpoint changes the online endpoint called name.
func (c *Client) UpdateEndpoint(ctx context.Context, name string, change endpoint.UpdateEndpoint) (endpoint.Endpoint, error) {
	return patch[endpoint.Endpoint](ctx, c, c.path(onlineEndpoints, name), change)
}

// DeleteEndpoint deletes an online endpoint with its deployments.
func (c *Client) DeleteEndpoint(ctx context.Context, name string) error {
	return c.delete(ctx, c.path(onlineEndpoints, name))
}

// EndpointCredentials returns the two keys of an endpoint.
func (c *Client) EndpointCredentials(ctx context.Context, name string) (endpoint.Credentials, error) {
	return get[endpoint.Credentials](ctx, c, c.path(onlineEndpoints, name, "credentials"), nil)
}

// RegenerateKey replaces one of the two keys of an endpoint.
func (c *Client) RegenerateKey(ctx context.Context, name string, key endpoint.KeyType) (endpoint.Credentials, error) {
	return post[endpoint.Credentials](ctx, c, c.path(onlineEndpoints, name, "regenerate-keys"), map[string]endpoint.KeyType{"key_type": key})
}

// StartRollout begins to move an endpoint's traffic to a deployment step by step.
func (c *Client) StartRollout(ctx context.Context, name string, ask endpoint.StartRollout) (endpoint.Endpoint, error) {
	return post[endpoint.Endpoint](ctx, c, c.path(onlineEndpoints, name, "rollout"), ask)
}

// StopRollout ends a rollout and moves the traffic back, unless keep is set.
func (c *Client) StopRollout(ctx context.Context, name string, keep bool) (endpoint.Endpoint, error) {
	return post[endpoint.Endpoint](ctx, c, c.path(onlineEndpoints, name, "rollout", "stop"), map[string]bool{"keep_traffic": keep})
}

// Invoke sends body to an endpoint, or to one deployment of it, and returns the
// answer as the scoring script gave it.
func (c *Client) Invoke(ctx context.Context, name, deployment string, body []byte) ([]byte, error) {
	query := url.Values{}
	if deployment != "" {
		query.Set("deployment", deployment)
	}
	response, err := c.send(ctx, call{
		method: http.MethodPost, path: c.path(onlineEndpoints, name, "invoke"), query: query,
		size: int64(len(body)), header: http.Header{"Content-Type": {"application/json"}},
		body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return answer, c.broken(ctx, err)
}

func (c *Client) deployments(endpoint string, parts ...string) string {
	return c.path(append([]string{onlineEndpoints, endpoint, "deployments"}, parts...)...)
}

// CreateDeployment makes a deployment of an endpoint. With allTraffic, the
// endpoint sends every request to it as soon as it is ready.
func (c *Client) CreateDeployment(ctx context.Context, to string, ask endpoint.CreateDeployment, allTraffic bool) (endpoint.Deployment, error) {
	var made endpoint.Deployment
	request := call{method: http.MethodPost, path: c.deployments(to), in: ask}
	if allTraffic {
		request.query = url.Values{"all_traffic": {"true"}}
	}
	err := c.exchange(ctx, request, &made)
	return made, err
}

// ListDeployments returns the deployments of an endpoint.
func (c *Client) ListDeployments(ctx context.Context, of string) ([]endpoint.Deployment, error) {
	return list[endpoint.Deployment](ctx, c, c.deployments(of), nil, 0)
}

// GetDeployment returns one deployment of an endpoint.
func (c *Client) GetDeployment(ctx context.Context, of, name string) (endpoint.Deployment, error) {
	return get[endpoint.Deployment](ctx, c, c.deployments(of, name), nil)
}

// UpdateDeployment changes a deployment; what needs new replicas replaces them
// without dropping a request.
func (c *Client) UpdateDeployment(ctx context.Context, of, name string, change endpoint.UpdateDeployment) (endpoint.Deployment, error) {
	return patch[endpoint.Deployment](ctx, c, c.deployments(of, name), change)
}

// DeleteDeployment deletes a deployment that gets no traffic.
func (c *Client) DeleteDeployment(ctx context.Context, of, name string) error {
	return c.delete(ctx, c.deployments(of, name))
}

// DeploymentLog returns the last lines of a deployment's log.
func (c *Client) DeploymentLog(ctx context.Context, of, name string, lines int) (string, error) {
	answer, err := get[struct {
		Content string `json:"content"`
	}](ctx, c, c.deployments(of, name, "logs"), url.Values{"tail": {strconv.Itoa(lines)}})
	return answer.Content, err
}

import type * as c from './contract';

type W = { workspace: string };
type Json<T> = { content: { 'application/json': T } };
type Op<Path, Out, Query = never, In = never> = {
  parameters: ([Path] extends [undefined] ? { path?: never } : { path: Path }) & { query?: Query; header?: never; cookie?: never };
  responses: { 200: Json<Out>; default: Json<c.ErrorBody> };
} & ([In] extends [never] ? { requestBody?: never } : { requestBody: Json<In> });
type List = { max_results?: number; page_token?: string };
type None = undefined;

export interface paths {
  '/api/v1/server': { get: Op<None, { name: string; version: string }> };
  '/api/v1/sign-in': { post: Op<None, c.Me, never, { code: string }> };
  '/api/v1/sign-out': { post: Op<None, unknown> };
  '/api/v1/sign-in-links': { post: Op<None, { url: string; code: string; expires_at: string }, never, { user?: string }> };
  '/api/v1/me': { get: Op<None, c.Me> };
  '/api/v1/me/tokens': {
    get: Op<None, c.Page<c.Token>>;
    post: Op<None, c.Token, never, { description?: string; expires_in_days?: number }>;
  };
  '/api/v1/me/tokens/{token}': { delete: Op<{ token: string }, unknown> };
  '/api/v1/workspaces': {
    get: Op<None, c.Page<c.Workspace>>;
    post: Op<None, c.Workspace, never, { name: string; display_name?: string; description?: string }>;
  };
  '/api/v1/workspaces/{workspace}': { get: Op<W, c.Workspace> };
  '/api/v1/workspaces/{workspace}/trees/{tree}': { get: Op<W & { tree: string }, c.Tree> };
  '/api/v1/workspaces/{workspace}/experiments': { get: Op<W, c.Page<c.Experiment>, List> };
  '/api/v1/workspaces/{workspace}/runs': {
    get: Op<W, c.Page<c.Run>, List & { experiment?: string[]; filter?: string; order_by?: string[]; view?: string }>;
  };
  '/api/v1/workspaces/{workspace}/runs/{run}': { get: Op<W & { run: string }, c.Run>; delete: Op<W & { run: string }, unknown> };
  '/api/v1/workspaces/{workspace}/runs/{run}/metrics': {
    get: Op<W & { run: string }, c.MetricSeries, { key: string; max_points?: number }>;
  };
  '/api/v1/workspaces/{workspace}/runs/{run}/artifacts': { get: Op<W & { run: string }, c.Page<c.Artifact>, { path?: string }> };
  '/api/v1/workspaces/{workspace}/jobs': { get: Op<W, c.Page<c.Job>, List & { experiment?: string; status?: string }> };
  '/api/v1/workspaces/{workspace}/jobs/{job}': { get: Op<W & { job: string }, c.Job> };
  '/api/v1/workspaces/{workspace}/jobs/{job}/cancel': { post: Op<W & { job: string }, unknown> };
  '/api/v1/workspaces/{workspace}/models': {
    get: Op<W, c.Page<c.Model>, List>;
    post: Op<W, c.ModelVersion, never, { name: string; path: string; type: string; description?: string }>;
  };
  '/api/v1/workspaces/{workspace}/models/{model}': { get: Op<W & { model: string }, c.Model> };
  '/api/v1/workspaces/{workspace}/models/{model}/versions': { get: Op<W & { model: string }, c.Page<c.ModelVersion>, List> };
  '/api/v1/workspaces/{workspace}/models/{model}/versions/{version}': { get: Op<W & { model: string; version: string }, c.ModelVersion> };
  '/api/v1/workspaces/{workspace}/online-endpoints': { get: Op<W, c.Page<c.Endpoint>, List> };
  '/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}': { get: Op<W & { endpoint: string }, c.Endpoint> };
  '/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/credentials': {
    get: Op<W & { endpoint: string }, { primary_key: string; secondary_key: string }>;
  };
  '/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/deployments': { get: Op<W & { endpoint: string }, c.Page<c.Deployment>, List> };
  '/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/deployments/{deployment}/logs': {
    get: Op<W & { endpoint: string; deployment: string }, { content: string }, { tail?: number }>;
  };
  '/api/v1/workspaces/{workspace}/environments': { get: Op<W, c.Page<c.Environment>, List> };
}

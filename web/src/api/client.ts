import createClient from 'openapi-fetch';
import { reportReachable, reportSignedOut } from './connection';
import { ApiError, errorFromBody } from './error';
import type { paths } from './schema';

/** Sends a request as this browser's user, and reports what the answer says about the connection. */
async function send(request: Request): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    request.headers.set('X-Atelier-Request', '1'); // what another site's page cannot add
  }
  let response: Response;
  try {
    response = await fetch(request);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    reportReachable(false);
    throw new ApiError(0, { code: 'offline' });
  }
  // A proxy before the server says in its own words that the server is away.
  const fromProxy = [502, 503, 504].includes(response.status) && !response.headers.get('Content-Type')?.includes('json');
  reportReachable(!fromProxy);
  const signingIn = new URL(request.url).pathname === '/api/v1/sign-in';
  if (response.status === 401 && !signingIn) reportSignedOut();
  return response;
}

export const api = createClient<paths>({ baseUrl: '/', fetch: send });

/** Whether the server answers at all, and still knows us; the banner and the router hear of it. */
export async function isAnswering(): Promise<boolean> {
  try {
    return (await send(new Request('/api/v1/me'))).ok;
  } catch {
    return false;
  }
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns what the server answered, or throws what it refused with. */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw errorFromBody(response.status, error);
  return withItems(data) as T;
}

/** A list without items is an empty list, however it was written. */
function withItems(data: unknown): unknown {
  if (data === null || typeof data !== 'object' || !('items' in data) || data.items !== null) return data;
  return { ...data, items: [] };
}

/** Sends a request whose answer, of whatever status, is what the reader wants to see. */
export function fetchAny(path: string, init: RequestInit): Promise<Response> {
  return send(new Request(path, init));
}

/** Fetches a path that is outside the JSON routes: bytes, logs, text. */
export async function fetchRaw(path: string, init?: RequestInit): Promise<Response> {
  const response = await send(new Request(path, init));
  if (!response.ok) {
    const text = await response.text();
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {
      // Not every answer on these paths is JSON: show it as it came.
    }
    throw errorFromBody(response.status, body);
  }
  return response;
}

/** The path of a workspace's resource, each part escaped. */
export function workspacePath(workspace: string, ...parts: string[]): string {
  return ['/api/v1/workspaces', workspace, ...parts].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join('/');
}

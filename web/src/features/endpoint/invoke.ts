import { fetchAny, workspacePath } from '@/api/client';

export interface Answered {
  status: number;
  milliseconds: number;
  text: string;
  requestID: string;
  deployment: string;
}

/** Sends a request as this browser's user, without a key, and measures it. */
export async function invoke(workspace: string, endpoint: string, deployment: string, body: string): Promise<Answered> {
  const query = deployment ? `?deployment=${encodeURIComponent(deployment)}` : '';
  const started = performance.now();
  const response = await fetchAny(workspacePath(workspace, 'online-endpoints', endpoint, 'invoke') + query, {
    method: 'POST', body, headers: { 'Content-Type': 'application/json' },
  });
  const text = await response.text();
  return {
    status: response.status, milliseconds: performance.now() - started, text,
    requestID: response.headers.get('X-Request-Id') ?? '', deployment: response.headers.get('azureml-model-deployment') ?? '',
  };
}

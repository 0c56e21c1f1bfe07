import { api, ask, workspacePath } from './client';
import { reportReachable, reportSignedOut } from './connection';
import { ApiError, errorFromBody } from './error';

export interface Chosen {
  /** Where it lies in the folder, with slashes. */
  path: string;
  file: File;
}

interface Stored {
  sha256: string;
  size: number;
}

const atOnce = 3;

/**
 * Sends files and names the folder that they make: the way that the command line
 * goes, except that the server does the hashing, because a browser hashes only in
 * memory. Returns the folder's tree.
 */
export async function uploadFolder(workspace: string, files: readonly Chosen[], onBytes: (sent: number) => void, signal: AbortSignal): Promise<string> {
  const sent = new Map<string, number>();
  const stored = new Map<string, Stored>();
  const waiting = [...files];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { path, file } = next;
      stored.set(path, await send(workspace, file, (bytes) => {
        sent.set(path, bytes);
        onBytes([...sent.values()].reduce((sum, one) => sum + one, 0));
      }, signal));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, files.length) }, work));
  const tree = await ask(api.POST('/api/v1/workspaces/{workspace}/trees', {
    params: { path: { workspace } },
    body: { files: [...stored].map(([path, one]) => ({ path, ...one })) },
  }));
  return tree.id;
}

/** Sends one file. It is no fetch: that tells nothing of how far it is. */
function send(workspace: string, file: File, onBytes: (sent: number) => void, signal: AbortSignal): Promise<Stored> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', workspacePath(workspace, 'blobs'));
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.setRequestHeader('X-Atelier-Request', '1');
    request.upload.onprogress = (event) => onBytes(event.loaded);
    request.onload = () => {
      reportReachable(true);
      const body = read(request.responseText);
      if (request.status === 401) reportSignedOut();
      if (request.status >= 400) reject(errorFromBody(request.status, body));
      else resolve(body as Stored);
    };
    request.onerror = () => {
      reportReachable(false);
      reject(new ApiError(0, { code: 'offline' }));
    };
    request.onabort = () => reject(new DOMException('', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // of a proxy
  }
}

/** The address of an uploaded folder, or of the only file in it. */
export function uploadedPath(tree: string, file?: string): string {
  return `azureml://datastores/workspaceblobstore/paths/LocalUpload/${tree}${file === undefined ? '' : `/${file}`}`;
}

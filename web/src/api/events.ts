import { isAnswering } from './client';
import { reportReachable } from './connection';

export interface Notice {
  topic: string;
  id: string;
}

type Listener = (notice: Notice) => void;

const topics = ['job', 'run', 'metrics', 'logs', 'endpoint', 'deployment', 'activity', 'model', 'data', 'datastore', 'workspace', 'experiment'];
const listeners = new Set<Listener>();

const shortestWait = 250;
const longestWait = 4000;

/** Hears every notice of the tab's one stream. */
export function onNotice(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * Opens the tab's one stream of news about a workspace, and opens it again when
 * it breaks, as soon as the server answers. onReopen is the moment to read
 * everything anew, because news may have passed in between.
 */
export function openEvents(workspace: string, onReopen: () => void): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let broken = false;
  let wait = shortestWait;

  function connect() {
    source = new EventSource(`/api/v1/workspaces/${encodeURIComponent(workspace)}/events`);
    source.onopen = () => {
      wait = shortestWait;
      reportReachable(true);
      if (broken) onReopen();
      broken = false;
    };
    source.onerror = () => {
      broken = true;
      source?.close();
      void retry();
    };
    for (const topic of topics) {
      source.addEventListener(topic, (event: MessageEvent<string>) => {
        const notice = JSON.parse(event.data) as Notice;
        listeners.forEach((listener) => listener(notice));
      });
    }
  }

  // A stream cannot say why it broke; a request can, and reports it.
  async function retry() {
    const answered = await isAnswering();
    if (closed) return;
    timer = setTimeout(answered ? connect : () => void retry(), wait);
    wait = Math.min(wait * 2, longestWait);
  }

  connect();
  return () => {
    closed = true;
    clearTimeout(timer);
    source?.close();
  };
}

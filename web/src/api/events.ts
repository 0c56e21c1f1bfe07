import { reportReachable } from './connection';

export interface Notice {
  topic: string;
  id: string;
}

type Listener = (notice: Notice) => void;

const topics = ['job', 'run', 'metrics', 'logs', 'endpoint', 'deployment', 'model', 'workspace', 'experiment'];
const listeners = new Set<Listener>();

/** Hears every notice of the tab's one stream. */
export function onNotice(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * Opens the tab's one stream of news about a workspace. The browser opens it
 * again by itself after a break; onReopen is the moment to read everything anew,
 * because news may have passed in between.
 */
export function openEvents(workspace: string, onReopen: () => void): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let broken = false;
  let wait = 1000;

  function connect() {
    source = new EventSource(`/api/v1/workspaces/${encodeURIComponent(workspace)}/events`);
    source.onopen = () => {
      wait = 1000;
      reportReachable(true);
      if (broken) onReopen();
      broken = false;
    };
    source.onerror = () => {
      broken = true;
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(connect, wait); // an error answer ends the browser's own attempts
      wait = Math.min(wait * 2, 15_000);
    };
    for (const topic of topics) {
      source.addEventListener(topic, (event: MessageEvent<string>) => {
        const notice = JSON.parse(event.data) as Notice;
        listeners.forEach((listener) => listener(notice));
      });
    }
  }

  connect();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

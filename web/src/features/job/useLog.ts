import { useCallback, useEffect, useRef, useState } from 'react';
import { fetchRaw, workspacePath } from '@/api/client';
import { onNotice } from '@/api/events';
import { LogBuffer, splitLines } from '@/lib/log';

export const logNames = {
  output: 'user_logs/std_log.txt',
  environment: 'system_logs/environment.txt',
  runner: 'system_logs/runner.txt',
} as const;

export type LogName = keyof typeof logNames;

const pieceSize = 1_000_000;
const pollEvery = 5000;

interface Log {
  lines: string[];
  error: unknown;
  loaded: boolean;
  hasEarlier: boolean;
  loadEarlier: () => void;
  path: string;
}

/**
 * A job's log, from its end backwards as far as asked and forwards while it
 * grows. News of growth comes over the tab's one stream; the bytes are fetched
 * from where we are, so nothing is missed and nothing comes twice.
 */
export function useLog(workspace: string, job: string, name: string, live: boolean): Log {
  const [state, setState] = useState<{ lines: string[]; start: number; error: unknown; loaded: boolean }>({ lines: [], start: 0, error: null, loaded: false });
  const buffer = useRef<LogBuffer | null>(null);
  const path = `${workspacePath(workspace, 'jobs', job, 'logs')}?name=${encodeURIComponent(name)}`;

  const show = useCallback((log: LogBuffer) => {
    const lines = splitLines(log.text());
    if (log.start > 0) lines.shift(); // it begins in the middle of a line
    setState({ lines, start: log.start, error: null, loaded: true });
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    let busy = false;
    let again = false;
    buffer.current = null;

    async function read(offset: number, limit: number) {
      const response = await fetchRaw(`${path}&offset=${offset}&limit=${limit}`, { signal: stop.signal });
      const size = Number(response.headers.get('X-Log-Size') ?? 0);
      return { bytes: new Uint8Array(await response.arrayBuffer()), size };
    }
    async function catchUp() {
      if (!buffer.current) {
        const { size } = await read(0, 1);
        buffer.current = new LogBuffer(Math.max(0, size - pieceSize));
      }
      const log = buffer.current;
      for (;;) {
        const { bytes, size } = await read(log.end, pieceSize);
        log.append(log.end, bytes);
        if (bytes.length === 0 || log.end >= size) break;
      }
      show(log);
    }
    async function update() {
      if (busy) {
        again = true;
        return;
      }
      busy = true;
      try {
        await catchUp();
      } catch (error) {
        if (!stop.signal.aborted) setState((old) => ({ ...old, error, loaded: true }));
      }
      busy = false;
      if (again && !stop.signal.aborted) {
        again = false;
        setTimeout(() => void update(), 150);
      }
    }

    void update();
    const unsubscribe = onNotice((notice) => {
      if (notice.topic === 'logs' && notice.id.includes(job)) void update();
    });
    const timer = live ? setInterval(() => void update(), pollEvery) : undefined;
    return () => {
      stop.abort();
      unsubscribe();
      clearInterval(timer);
    };
  }, [path, job, live, show]);

  const loadEarlier = useCallback(() => {
    const log = buffer.current;
    if (!log || log.start === 0) return;
    const from = Math.max(0, log.start - pieceSize);
    void fetchRaw(`${path}&offset=${from}&limit=${log.start - from}`).then(async (response) => {
      log.prepend(from, new Uint8Array(await response.arrayBuffer()));
      show(log);
    }).catch((error: unknown) => setState((old) => ({ ...old, error })));
  }, [path, show]);

  return { lines: state.lines, error: state.error, loaded: state.loaded, hasEarlier: state.start > 0, loadEarlier, path };
}

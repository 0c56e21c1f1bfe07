import { useCallback, useEffect, useRef, useState } from 'react';
import { LogBuffer, splitLines } from '@/lib/log';
import { fetchRaw } from './client';
import { onNotice } from './events';

const pieceSize = 1_000_000;
/** How often a live log is asked for without news of it. */
const pollEvery = { heard: 5000, unheard: 1000 };

interface Log {
  lines: string[];
  error: unknown;
  loaded: boolean;
  hasEarlier: boolean;
  loadEarlier: () => void;
  path: string;
}

/**
 * A log, from its end backwards as far as asked and forwards while it grows.
 * News that the log of owner grew comes over the tab's one stream, where there is
 * such news; the bytes are fetched from where we are, so nothing is missed and
 * nothing comes twice.
 */
export function useTextLog(path: string, live: boolean, owner?: string): Log {
  const [state, setState] = useState<{ lines: string[]; start: number; error: unknown; loaded: boolean }>({ lines: [], start: 0, error: null, loaded: false });
  const buffer = useRef<LogBuffer | null>(null);
  const from = `${path}${path.includes('?') ? '&' : '?'}`;

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
      const response = await fetchRaw(`${from}offset=${offset}&limit=${limit}`, { signal: stop.signal });
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
      if (owner !== undefined && notice.topic === 'logs' && notice.id.includes(owner)) void update();
    });
    const timer = live ? setInterval(() => void update(), owner === undefined ? pollEvery.unheard : pollEvery.heard) : undefined;
    return () => {
      stop.abort();
      unsubscribe();
      clearInterval(timer);
    };
  }, [from, live, owner, show]);

  const loadEarlier = useCallback(() => {
    const log = buffer.current;
    if (!log || log.start === 0) return;
    const start = Math.max(0, log.start - pieceSize);
    void fetchRaw(`${from}offset=${start}&limit=${log.start - start}`).then(async (response) => {
      log.prepend(start, new Uint8Array(await response.arrayBuffer()));
      show(log);
    }).catch((error: unknown) => setState((old) => ({ ...old, error })));
  }, [from, show]);

  return { lines: state.lines, error: state.error, loaded: state.loaded, hasEarlier: state.start > 0, loadEarlier, path };
}

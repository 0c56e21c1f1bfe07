import { keepPreviousData, queryOptions, useQueries, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { api, ask } from '@/api/client';
import type { Run } from '@/api/nouns';
import type { RunSearch } from './queries';

/** A long list of runs, of which only what is looked at has been read. */
export interface RunList {
  /** How many runs the whole list has. */
  total: number;
  /** The run in a place of the list, once it was read. */
  at: (place: number) => Run | undefined;
  /** Everything that was read of it, in order. */
  read: readonly Run[];
  /** Says which places are looked at. */
  show: (first: number, last: number) => void;
}

const blockSize = 100;

function asked(search: RunSearch) {
  return {
    ...(search.experiment ? { experiment: [search.experiment] } : {}),
    ...(search.filter ? { filter: search.filter } : {}),
    ...(search.orderBy ? { order_by: [search.orderBy] } : {}),
    ...(search.deleted ? { view: 'deleted' as const } : {}),
  };
}

function blockQuery(workspace: string, search: RunSearch, block: number) {
  return queryOptions({
    queryKey: [workspace, 'runs', 'block', search, block],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/runs', {
      params: { path: { workspace }, query: { ...asked(search), max_results: blockSize, skip: block * blockSize } },
    })),
  });
}

function totalQuery(workspace: string, search: RunSearch) {
  return queryOptions({
    queryKey: [workspace, 'runs', 'total', search],
    queryFn: async () => {
      const page = await ask(api.GET('/api/v1/workspaces/{workspace}/runs', {
        params: { path: { workspace }, query: { ...asked(search), max_results: 1, count: true } },
      }));
      return page.total ?? 0;
    },
  });
}

interface Blocks {
  first: number;
  last: number;
}

/** How long the scroll bar must rest, after a jump, before its place is read. */
const rest = 80;

/**
 * Reads a list of runs block by block: always the first, and those that are
 * looked at. Only these are read again on news, however long the list is.
 */
export function useRunList(workspace: string, search: RunSearch): { head: UseQueryResult<{ items: Run[] }>; list: RunList; error: Error | null } {
  const [shown, setShown] = useState<Blocks>({ first: 0, last: 0 });
  const head = useQuery({ ...blockQuery(workspace, search, 0), placeholderData: keepPreviousData });
  const total = useQuery({ ...totalQuery(workspace, search), placeholderData: keepPreviousData });
  const wanted = useRested(shown);
  const numbers = useMemo(() => {
    const all = Array.from({ length: wanted.last - wanted.first + 1 }, (_, i) => wanted.first + i);
    return all.filter((block) => block > 0);
  }, [wanted]);
  const others = useQueries({
    queries: numbers.map((block) => blockQuery(workspace, search, block)),
    combine: (answers) => ({ items: answers.map((answer) => answer.data?.items), error: answers.find((answer) => answer.error)?.error ?? null }),
  });
  const first = head.data?.items;
  const list = useMemo((): RunList => {
    const blocks = new Map<number, readonly Run[]>([[0, first ?? []]]);
    numbers.forEach((block, i) => {
      const items = others.items[i];
      if (items) blocks.set(block, items);
    });
    return {
      total: total.data ?? first?.length ?? 0,
      at: (place) => blocks.get(Math.floor(place / blockSize))?.[place % blockSize],
      read: [...blocks.values()].flat(),
      show: (from, to) => {
        const next = { first: Math.floor(from / blockSize), last: Math.floor(to / blockSize) };
        setShown((old) => (old.first === next.first && old.last === next.last ? old : next));
      },
    };
  }, [first, numbers, others.items, total.data]);
  return { head, list, error: head.error ?? others.error };
}

/** What is shown; after a jump, only once it stayed the same for a moment. */
function useRested(shown: Blocks): Blocks {
  const [rested, setRested] = useState(shown);
  const near = Math.abs(shown.first - rested.first) <= 1 && Math.abs(shown.last - rested.last) <= 1;
  useEffect(() => {
    const timer = setTimeout(() => setRested(shown), rest);
    return () => clearTimeout(timer);
  }, [shown]);
  return near ? shown : rested;
}

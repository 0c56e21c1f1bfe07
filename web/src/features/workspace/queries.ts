import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export const workspacesQuery = queryOptions({
  queryKey: ['workspaces'],
  queryFn: () => ask(api.GET('/api/v1/workspaces')),
});

const key = 'atelier-workspace';

/** The workspace that this browser showed last. */
export function lastWorkspace(): string | null {
  return localStorage.getItem(key);
}

export function rememberWorkspace(name: string) {
  localStorage.setItem(key, name);
}

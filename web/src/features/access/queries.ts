import { queryOptions, useQuery } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { allows } from '@/lib/permission';
import { useWorkspaceName } from '@/lib/workspace';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => ask(api.GET('/api/v1/me')),
  staleTime: 60_000,
});

export const tokensQuery = queryOptions({
  queryKey: ['me', 'tokens'],
  queryFn: () => ask(api.GET('/api/v1/me/tokens')),
});

/** Whether the reader may do something here; the server decides again when they do it. */
export function useMay(permission: string): boolean {
  const workspace = useWorkspaceName();
  const { data: me } = useQuery(meQuery);
  const membership = me?.workspaces.find((one) => one.name === workspace);
  return membership !== undefined && allows(membership, permission);
}

export async function signInWithCode(code: string) {
  return ask(api.POST('/api/v1/sign-in', { body: { code } }));
}

/** Signs this browser in with a token: the token makes a link, and the link signs in. */
export async function signInWithToken(token: string) {
  const link = await ask(api.POST('/api/v1/sign-in-links', { body: {}, headers: { Authorization: `Bearer ${token}` } }));
  return signInWithCode(link.code);
}

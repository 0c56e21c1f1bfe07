import { useParams } from '@tanstack/react-router';

/** The name of the workspace that the address names. */
export function useWorkspaceName(): string {
  const { workspace } = useParams({ strict: false }) as { workspace?: string };
  return workspace ?? '';
}

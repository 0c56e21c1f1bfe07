import type { EnvironmentBuild } from '@/api/nouns';
import type { Status } from '@/components/status';

const states: Record<EnvironmentBuild['state'], Status> = {
  not_built: 'NotBuilt', building: 'Building', ready: 'Succeeded', failed: 'Failed', canceled: 'Canceled',
};

/** How far an environment is built, in the one vocabulary of states. */
export function toBuildStatus(state: EnvironmentBuild['state'] | undefined): Status {
  return states[state ?? 'not_built'];
}

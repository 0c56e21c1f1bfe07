// What the address of an environment's page carries.

export const environmentTabs = ['definition', 'packages', 'build', 'lineage'] as const;
export type EnvironmentTab = (typeof environmentTabs)[number];

export interface EnvironmentSearch {
  version?: string | undefined;
  tab?: EnvironmentTab | undefined;
}

export function parseEnvironmentSearch(raw: Record<string, unknown>): EnvironmentSearch {
  const version = typeof raw.version === 'number' ? String(raw.version) : raw.version;
  return { version: typeof version === 'string' && version !== '' ? version : undefined, tab: environmentTabs.find((one) => one === raw.tab) };
}

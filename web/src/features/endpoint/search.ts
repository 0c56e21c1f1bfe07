// What the address of an endpoint's page carries.

export const endpointTabs = ['overview', 'test', 'logs'] as const;
export type EndpointTab = (typeof endpointTabs)[number];

export const percentiles = ['p50', 'p95', 'p99'] as const;
export type Percentile = (typeof percentiles)[number];

export interface EndpointSearch {
  tab?: EndpointTab | undefined;
  deployment?: string | undefined;
  latency?: Percentile | undefined;
}

export function parseEndpointSearch(raw: Record<string, unknown>): EndpointSearch {
  return {
    tab: endpointTabs.find((one) => one === raw.tab),
    deployment: typeof raw.deployment === 'string' && raw.deployment !== '' ? raw.deployment : undefined,
    latency: percentiles.find((one) => one === raw.latency),
  };
}

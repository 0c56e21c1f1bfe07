// How many replicas a deployment has, and how its requests are bound, as one flat form.
import type { Deployment } from '@/api/nouns';
import type { components } from '@/api/schema';

export interface Scale {
  automatic: boolean;
  instances: number;
  fewest: number;
  most: number;
  utilization: number;
  concurrency: number;
  timeout: number;
  wait: number;
}

export function scaleOf(deployment: Deployment): Scale {
  const { scale_settings: scale, request_settings: requests } = deployment;
  return {
    automatic: scale?.type === 'target_utilization', instances: deployment.instance_count, fewest: scale?.min_instances ?? 1,
    most: scale?.max_instances ?? Math.max(2, deployment.instance_count), utilization: scale?.target_utilization_percentage ?? 70,
    concurrency: requests.max_concurrent_requests_per_instance ?? 1, timeout: requests.request_timeout_ms ?? 5000, wait: requests.max_queue_wait_ms ?? 500,
  };
}

/** What has to be sent: only what differs, so that replicas are not replaced for nothing. */
export function changesOfDeployment(before: Scale, after: Scale): components['schemas']['EndpointUpdateDeployment'] {
  const differs = (...keys: (keyof Scale)[]) => keys.some((key) => before[key] !== after[key]);
  const scale = after.automatic
    ? { type: 'target_utilization' as const, min_instances: after.fewest, max_instances: after.most, target_utilization_percentage: after.utilization }
    : { type: 'default' as const };
  return {
    ...(differs('automatic') || (after.automatic && differs('fewest', 'most', 'utilization')) ? { scale_settings: scale } : {}),
    ...(!after.automatic && differs('instances') ? { instance_count: after.instances } : {}),
    ...(differs('concurrency', 'timeout', 'wait')
      ? { request_settings: { max_concurrent_requests_per_instance: after.concurrency, request_timeout_ms: after.timeout, max_queue_wait_ms: after.wait } } : {}),
  };
}

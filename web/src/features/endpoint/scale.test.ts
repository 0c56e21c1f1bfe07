import { expect, it } from 'vitest';
import type { Deployment } from '@/api/nouns';
import { changesOfDeployment, scaleOf } from './scale';

const plain = { instance_count: 2, request_settings: { max_concurrent_requests_per_instance: 4, request_timeout_ms: 5000, max_queue_wait_ms: 500 } } as Deployment;
const elastic = { ...plain, scale_settings: { type: 'target_utilization', min_instances: 0, max_instances: 5, target_utilization_percentage: 50 } } as Deployment;

it('reads a fixed number of replicas and one that follows the requests', () => {
  expect(scaleOf(plain)).toMatchObject({ automatic: false, instances: 2, concurrency: 4 });
  expect(scaleOf(elastic)).toMatchObject({ automatic: true, fewest: 0, most: 5, utilization: 50 });
});

it('sends only what differs', () => {
  const before = scaleOf(plain);
  expect(changesOfDeployment(before, before)).toEqual({});
  expect(changesOfDeployment(before, { ...before, instances: 3 })).toEqual({ instance_count: 3 });
  expect(changesOfDeployment(before, { ...before, timeout: 9000 })).toEqual({
    request_settings: { max_concurrent_requests_per_instance: 4, request_timeout_ms: 9000, max_queue_wait_ms: 500 },
  });
  expect(changesOfDeployment(before, { ...before, automatic: true, fewest: 0, most: 3 })).toEqual({
    scale_settings: { type: 'target_utilization', min_instances: 0, max_instances: 3, target_utilization_percentage: 70 },
  });
  expect(changesOfDeployment(scaleOf(elastic), { ...scaleOf(elastic), automatic: false, instances: 1 })).toEqual({ scale_settings: { type: 'default' }, instance_count: 1 });
});

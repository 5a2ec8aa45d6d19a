import { describe, expect, test } from 'vitest';
import { problemsIn } from './load.fixture.ts';
import { loadConfig, NAMESPACE_FILE } from './load.ts';

const IN_POD = {
  LEASEGATE_LEASE_NAME: 'my-app',
  POD_NAMESPACE: 'web',
  POD_NAME: 'web-0',
  POD_UID: 'uid',
  POD_IP: '10.0.0.7',
};
const ALL = { LEASEGATE_PUBLISH: 'label,readiness-gate, endpointslice', LEASEGATE_ENDPOINTSLICE_SERVICE: 'front' };

const load = (env: Record<string, string>, namespaceFile?: string) =>
  loadConfig({
    argv: [],
    env: { ...IN_POD, ...env },
    readFile: (path) => (path === NAMESPACE_FILE ? namespaceFile : undefined),
    hostname: () => 'host',
    randomHex: (bytes) => 'ab'.repeat(bytes),
    kubeconfigNamespace: () => undefined,
  });
const publishOf = (...args: Parameters<typeof load>) => {
  const result = load(...args);
  return result.ok ? result.config.publish : result.problems;
};
const said = (env: Record<string, string>) => problemsIn(load(env));

test('nothing is published unless asked for', () => {
  expect(publishOf({})).toBeNull();
});

test('all three ways go together', () => {
  expect(publishOf(ALL)).toEqual({
    publishers: ['label', 'readiness-gate', 'endpointslice'],
    namespace: 'web',
    service: 'front',
    resyncMs: 60_000,
  });
});

test.each([
  ['that of the pod', { POD_NAMESPACE: 'web', LEASEGATE_NAMESPACE: 'leases' }, undefined, 'web'],
  ['that of the service account', { POD_NAMESPACE: '', LEASEGATE_NAMESPACE: 'leases' }, 'web\n', 'web'],
  ['that of the Lease', { POD_NAMESPACE: '', LEASEGATE_NAMESPACE: 'leases' }, undefined, 'leases'],
])('the namespace is %s', (_, env, file, namespace) => {
  expect(publishOf({ LEASEGATE_PUBLISH: 'label', ...env }, file)).toMatchObject({ namespace });
});

describe('refused is', () => {
  const option = 'LEASEGATE_PUBLISH (--publish)';
  test.each<[string, Record<string, string>, string]>([
    [
      'a way that there is not',
      { LEASEGATE_PUBLISH: 'label,dns' },
      `${option}: has "dns" in it, which is not accepted; use label, readiness-gate, endpointslice`,
    ],
    ['a way twice', { LEASEGATE_PUBLISH: 'label,label' }, `${option}: has label twice; write it once`],
    [
      'an EndpointSlice of no Service',
      { LEASEGATE_PUBLISH: 'endpointslice' },
      `${option}: LEASEGATE_PUBLISH endpointslice has no Service; set LEASEGATE_ENDPOINTSLICE_SERVICE to a Service without a selector`,
    ],
    [
      'a Service without need',
      { LEASEGATE_PUBLISH: 'label', LEASEGATE_ENDPOINTSLICE_SERVICE: 'front' },
      `${option}: LEASEGATE_ENDPOINTSLICE_SERVICE front is not used with LEASEGATE_PUBLISH label; leave it out, or add endpointslice to LEASEGATE_PUBLISH`,
    ],
    [
      'a Service where nothing is published',
      { LEASEGATE_ENDPOINTSLICE_SERVICE: 'front' },
      'LEASEGATE_ENDPOINTSLICE_SERVICE (--endpointslice-service): LEASEGATE_ENDPOINTSLICE_SERVICE front says nothing where nothing is published; set LEASEGATE_PUBLISH, or leave it out',
    ],
    [
      'a resync where nothing is published',
      { LEASEGATE_PUBLISH_RESYNC: '5s' },
      'LEASEGATE_PUBLISH_RESYNC (--publish-resync): LEASEGATE_PUBLISH_RESYNC 5s says nothing where nothing is published; set LEASEGATE_PUBLISH, or leave it out',
    ],
    [
      'a pod without a name',
      { LEASEGATE_PUBLISH: 'label', POD_NAME: '' },
      `${option}: LEASEGATE_PUBLISH label does not know this pod: POD_NAME is not set; set POD_NAME from the downward API (fieldPath: metadata.name)`,
    ],
    [
      'a pod without a uid',
      { LEASEGATE_PUBLISH: 'label', POD_UID: '' },
      `${option}: LEASEGATE_PUBLISH label does not know this pod: POD_UID is not set; set POD_UID from the downward API (fieldPath: metadata.uid)`,
    ],
    [
      'a pod without an address, where that is published',
      { ...ALL, POD_IP: '' },
      `${option}: LEASEGATE_PUBLISH label,readiness-gate,endpointslice does not know this pod: POD_IP is not set; set POD_IP from the downward API (fieldPath: status.podIP)`,
    ],
  ])('%s', (_, env, problem) => {
    expect(said(env)).toEqual([problem]);
  });

  test('nothing where no address is published and there is none', () => {
    expect(said({ LEASEGATE_PUBLISH: 'label', POD_IP: '' })).toEqual([]);
  });
});

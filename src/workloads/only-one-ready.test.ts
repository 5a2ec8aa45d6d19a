import { describe, expect, test } from 'vitest';
import { selects } from './label-selector.ts';
import { podsThatMustStay, rolloutFlaws } from './only-one-ready.ts';

const rolling = (maxUnavailable: unknown, maxSurge?: unknown) => ({
  strategy: { rollingUpdate: { maxUnavailable, maxSurge } },
  progressDeadlineSeconds: 2_147_483_647,
});

describe('a Deployment of whose pods one is Ready', () => {
  test.each([
    ['by default (25 %, rounded down)', {}, 3, 0],
    ['with one replica, by default', {}, 1, 0],
    ['with all but one', rolling(2), 3, 2],
    ['with a share of less than all', rolling('67%'), 3, 2],
    ['with neither surge nor unavailable pods, which Kubernetes takes as one', rolling(0, 0), 3, 1],
  ])('keeps its old leader %s', (_, spec, replicas, unavailable) => {
    expect(rolloutFlaws('Deployment', spec, replicas)).toEqual([{ kind: 'old-leader-stays', unavailable }]);
  });

  test.each([
    ['all may be unavailable', rolling('100%'), 3],
    ['as many as there are may be', rolling(3), 3],
    ['the only one may be, by neither', rolling(0, 0), 1],
    ['it is recreated', { strategy: { type: 'Recreate' }, progressDeadlineSeconds: 2_147_483_647 }, 3],
  ])('ends its rollout where %s', (_, spec, replicas) => {
    expect(rolloutFlaws('Deployment', spec, replicas)).toEqual([]);
  });

  test('is never counted as complete, and fails after its deadline', () => {
    const { progressDeadlineSeconds: _, ...spec } = rolling('100%');
    expect(rolloutFlaws('Deployment', spec, 3)).toEqual([{ kind: 'never-complete', deadlineSeconds: 600 }]);
    expect(rolloutFlaws('Deployment', spec, 1)).toEqual([]);
  });
});

test('a StatefulSet starts two pods in order, and updates none', () => {
  const kinds = (spec: object, replicas: number) =>
    rolloutFlaws('StatefulSet', spec, replicas).map((flaw) => flaw.kind);
  expect(kinds({}, 3)).toEqual(['starts-in-order', 'waits-for-each']);
  expect(kinds({}, 2)).toEqual(['waits-for-each']);
  expect(kinds({}, 1)).toEqual([]);
  expect(kinds({ podManagementPolicy: 'Parallel', updateStrategy: { type: 'OnDelete' } }, 3)).toEqual([]);
});

test('a StatefulSet may miss one pod at least, however small the share', () => {
  const spec = { podManagementPolicy: 'Parallel', updateStrategy: { rollingUpdate: { maxUnavailable: '10%' } } };
  expect(rolloutFlaws('StatefulSet', spec, 1)).toEqual([]);
  expect(rolloutFlaws('StatefulSet', spec, 3)).toEqual([{ kind: 'waits-for-each' }]);
});

test('a DaemonSet waits unless all its pods may be unavailable', () => {
  const rolls = (maxUnavailable: unknown) => ({ updateStrategy: { rollingUpdate: { maxUnavailable } } });
  expect(rolloutFlaws('DaemonSet', rolls(5), 1)).toEqual([{ kind: 'waits-for-each' }]);
  expect(rolloutFlaws('DaemonSet', rolls('100%'), 1)).toEqual([]);
});

test.each([
  [{ minAvailable: 1 }, 1],
  [{ minAvailable: '50%' }, 2],
  [{ maxUnavailable: 1 }, 2],
  [{ maxUnavailable: '50%' }, 1],
  [{ maxUnavailable: '100%' }, 0],
  [{ maxUnavailable: 5 }, 0],
  [{ minAvailable: 0 }, 0],
  [{}, null],
])('of three pods the budget %j wants %s to stay', (spec, stay) => {
  expect(podsThatMustStay(spec, 3)).toBe(stay);
});

describe('a label selector', () => {
  const labels = { app: 'web', tier: 'front' };
  test('that is not there selects nothing, an empty one everything', () => {
    expect(selects(undefined, labels)).toBe(false);
    expect(selects({}, labels)).toBe(true);
  });

  test.each([
    ['In', 'app', ['web'], true],
    ['In', 'none', ['web'], false],
    ['NotIn', 'app', ['web'], false],
    ['NotIn', 'none', ['web'], true],
    ['Exists', 'app', undefined, true],
    ['DoesNotExist', 'app', undefined, false],
  ])('%s %s %j: %s', (operator, key, values, selected) => {
    const expression = { key, operator, ...(values && { values }) };
    expect(selects({ matchLabels: { tier: 'front' }, matchExpressions: [expression] }, labels)).toBe(selected);
  });
});

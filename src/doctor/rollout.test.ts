import { describe, expect, test } from 'vitest';
import type { Workload, WorkloadKind } from '../ports/doctor.ts';
import { budgetOf } from './cluster.fixture.ts';
import { judgeDisruption } from './disruption.ts';
import { judgeRollout } from './rollout.ts';

type Spec = NonNullable<Workload['spec']>;

const codesOf = (kind: WorkloadKind, spec: Spec) =>
  judgeRollout({ kind, workload: { metadata: { name: 'web', uid: 'uid' }, spec } }).map(({ code }) => code);
const rolling = (maxUnavailable?: number | string, maxSurge?: number | string): NonNullable<Spec['strategy']> => ({
  type: 'RollingUpdate',
  rollingUpdate: {
    ...(maxUnavailable !== undefined && { maxUnavailable }),
    ...(maxSurge !== undefined && { maxSurge }),
  },
});
const NEVER = 2_147_483_647;

describe('the rolling update of a Deployment where only the leader is Ready', () => {
  test.each<[string, Spec]>([
    ['25% of three', { replicas: 3 }],
    ['25% of one, which is none', { replicas: 1 }],
    ['25% of the one that is meant where no number is given', {}],
    ['all but one', { replicas: 3, strategy: rolling(2) }],
    ['99%, rounded down', { replicas: 3, strategy: rolling('99%') }],
    ['neither more nor fewer, taken for one fewer', { replicas: 2, strategy: rolling(0, 0) }],
  ])('stalls with %s', (_, spec) => {
    expect(codesOf('Deployment', spec)).toEqual(['ROLLOUT_STALLS']);
  });

  test.each<[string, Spec]>([
    ['Recreate', { replicas: 3, strategy: { type: 'Recreate' } }],
    ['100%', { replicas: 3, strategy: rolling('100%') }],
    ['as many as there are', { replicas: 3, strategy: rolling(3) }],
    ['one of one', { replicas: 1, strategy: rolling(1) }],
    ['neither more nor fewer of one, taken for one fewer', { replicas: 1, strategy: rolling('25%', 0) }],
    ['none to be there', { replicas: 0 }],
  ])('goes through with %s', (_, spec) => {
    expect(codesOf('Deployment', { ...spec, progressDeadlineSeconds: NEVER })).toEqual(['ROLLOUT_OK']);
  });

  test('is reported as failed after its deadline, unless that never comes or there are no standbys', () => {
    const strategy = { type: 'Recreate' };
    expect(codesOf('Deployment', { replicas: 2, strategy })).toEqual(['ROLLOUT_OK', 'ROLLOUT_DEADLINE']);
    expect(codesOf('Deployment', { replicas: 2, strategy, progressDeadlineSeconds: NEVER })).toEqual(['ROLLOUT_OK']);
    expect(codesOf('Deployment', { replicas: 1, strategy })).toEqual(['ROLLOUT_OK']);
  });
});

describe('a StatefulSet where only the leader is Ready', () => {
  const podManagementPolicy = 'Parallel';
  test.each<[string, Spec, string]>([
    ['never starts its third pod, one after another', { replicas: 3 }, 'ROLLOUT_ORDERED'],
    ['waits for its second when it updates', { replicas: 2 }, 'ROLLOUT_STALLS'],
    [
      'waits for it whatever may be missing',
      { replicas: 2, updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } },
      'ROLLOUT_STALLS',
    ],
    ['waits when it updates, though it starts all at once', { replicas: 3, podManagementPolicy }, 'ROLLOUT_STALLS'],
    ['has nobody to wait for, alone', { replicas: 1 }, 'ROLLOUT_OK'],
    [
      'does not wait on deletion',
      { replicas: 3, podManagementPolicy, updateStrategy: { type: 'OnDelete' } },
      'ROLLOUT_OK',
    ],
    [
      'counts at least one that may be missing, alone',
      { replicas: 1, podManagementPolicy, updateStrategy: { rollingUpdate: { maxUnavailable: '10%' } } },
      'ROLLOUT_OK',
    ],
    [
      'does not wait where all may be missing',
      { replicas: 3, podManagementPolicy, updateStrategy: { rollingUpdate: { maxUnavailable: '100%' } } },
      'ROLLOUT_OK',
    ],
  ])('%s', (_, spec, code) => {
    expect(codesOf('StatefulSet', spec)).toEqual([code]);
  });
});

test('a ReplicaSet has no rollouts', () => {
  expect(codesOf('ReplicaSet', { replicas: 3 })).toEqual(['ROLLOUT_OK']);
});

describe('a disruption budget where only the leader is Ready', () => {
  const judge = (spec: Parameters<typeof budgetOf>[1], replicas = 3) =>
    judgeDisruption([budgetOf('web', spec)], { app: 'web', tier: 'front' }, replicas)[0]!;

  test.each<[string, Parameters<typeof budgetOf>[1], RegExp]>([
    ['one to stay keeps the leader', { minAvailable: 1 }, /wants 1 Ready.*leader's pod never/],
    ['two to stay keep everybody', { minAvailable: 2 }, /wants 2 Ready.*no pod, neither/],
    ['half to stay, rounded up, keeps everybody', { minAvailable: '50%' }, /wants 2 Ready.*no pod/],
    ['one to go keeps everybody', { maxUnavailable: 1 }, /wants 2 Ready.*no pod/],
    [
      'two to stay keep the leader alone, where pods that are not Ready may always go',
      { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      /leader's pod never/,
    ],
  ])('%s', (_, spec, message) => {
    expect(judge(spec)).toMatchObject({
      code: 'DISRUPTION_BLOCKED',
      level: 'error',
      message: expect.stringMatching(message),
    });
  });

  test.each<[string, Parameters<typeof budgetOf>[1]]>([
    ['all to go', { maxUnavailable: '100%' }],
    ['none to stay', { minAvailable: 0 }],
  ])('with %s keeps nobody', (_, spec) => {
    expect(judge(spec)).toMatchObject({ code: 'DISRUPTION_OK', level: 'ok' });
  });

  test('that says neither lets none go: Kubernetes expects no pods of it, and allows nothing', () => {
    expect(judge({})).toMatchObject({
      code: 'DISRUPTION_BLOCKED',
      message: expect.stringContaining('neither minAvailable nor maxUnavailable'),
    });
  });

  test('keeps the only replica there is, too', () => {
    expect(judge({ minAvailable: 1 }, 1).code).toBe('DISRUPTION_BLOCKED');
  });

  test('concerns the pods that its selector matches', () => {
    const codeFor = (selector: NonNullable<Parameters<typeof budgetOf>[1]>['selector']) =>
      judgeDisruption(
        [{ metadata: { name: 'web', uid: 'uid' }, spec: { minAvailable: 1, ...(selector && { selector }) } }],
        { app: 'web', tier: 'front' },
        3,
      )[0]!.code;
    const by = (key: string, operator: string, ...values: string[]) => ({
      matchExpressions: [{ key, operator, values }],
    });
    const matching = [
      {},
      { matchLabels: { app: 'web' } },
      by('app', 'In', 'web', 'api'),
      by('app', 'NotIn', 'api'),
      by('zone', 'NotIn', 'a'),
      by('app', 'Exists'),
      by('zone', 'DoesNotExist'),
    ];
    const others = [
      undefined,
      { matchLabels: { app: 'web', tier: 'back' } },
      by('app', 'In', 'api'),
      by('zone', 'In', 'a'),
      by('app', 'NotIn', 'web'),
      by('zone', 'Exists'),
      by('app', 'DoesNotExist'),
    ];
    expect(new Set(matching.map(codeFor))).toEqual(new Set(['DISRUPTION_BLOCKED']));
    expect(new Set(others.map(codeFor))).toEqual(new Set(['DISRUPTION_OK']));
  });

  test('beside another for the same pod: the API server evicts none of them', () => {
    const budgets = [budgetOf('one', { maxUnavailable: '100%' }), budgetOf('two', { maxUnavailable: '100%' })];
    expect(judgeDisruption(budgets, { app: 'web' }, 3)).toMatchObject([
      { code: 'DISRUPTION_BLOCKED', message: expect.stringContaining('one, two') },
    ]);
  });
});

import { describe, expect, test } from 'vitest';
import { type ConfigSources, loadConfig, NAMESPACE_FILE } from './load.ts';
import { formatProblems } from './problem.ts';

type Env = Record<string, string>;
const IN_POD: Env = {
  LEASEGATE_LEASE_NAME: 'my-app',
  POD_NAME: 'my-app-7d9f-x2x4z',
  POD_NAMESPACE: 'web',
  POD_UID: '6f1c3a52-0a4e-4c39-b9fd-3f2a1f0f9f11',
  POD_IP: '10.0.0.7',
};
const OUTSIDE: Env = { LEASEGATE_LEASE_NAME: 'my-app' };

function load(env: Env, argv: readonly string[] = [], ports: Partial<ConfigSources> = {}) {
  return loadConfig({
    argv,
    env,
    readFile: () => undefined,
    hostname: () => 'Laptop_1.local',
    randomHex: (bytes) => 'ab'.repeat(bytes),
    kubeconfigNamespace: () => undefined,
    ...ports,
  });
}

function configOf(...input: Parameters<typeof load>) {
  const result = load(...input);
  if (!result.ok) throw new Error(formatProblems(result.problems));
  return result.config;
}

function problemsOf(...input: Parameters<typeof load>) {
  const result = load(...input);
  return result.ok ? [] : result.problems;
}

describe('what is loaded', () => {
  test('in a pod, only the name of the Lease is needed', () => {
    expect(configOf(IN_POD)).toEqual({
      lease: { name: 'my-app', namespace: 'web' },
      leases: [{ name: 'my-app', namespace: 'web' }],
      pod: { name: 'my-app-7d9f-x2x4z', namespace: 'web', uid: '6f1c3a52-0a4e-4c39-b9fd-3f2a1f0f9f11', ip: '10.0.0.7' },
      start: 'abababababababab',
      timings: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 },
      candidacy: { priority: 10, preempt: false, neverLead: false, leadUnhealthy: false },
      apiListen: { host: '127.0.0.1', port: 4040 },
      probeListen: { host: '0.0.0.0', port: 4041 },
      gateway: null,
      appHealth: null,
      shutdown: { kind: 'delay', delayMs: 0 },
      publish: null,
      notify: null,
      members: null,
      fairShare: false,
      coordinated: null,
      kubeconfig: undefined,
      logLevel: 'info',
    });
  });

  test('outside a pod, the host name and a random uid stand in', () => {
    const { pod } = configOf({ ...OUTSIDE, LEASEGATE_NAMESPACE: 'web' });
    expect(pod).toEqual({ name: 'laptop-1.local', namespace: 'web', uid: 'ab'.repeat(16), ip: null });
  });

  test('every flag reaches its place', () => {
    const argv = [
      ...['--lease-name=other', '--namespace=ops', '--api-listen=[::1]:0', '--probe-listen=:9000'],
      ...['--lease-duration=1m', '--renew-deadline=40s', '--renew-interval=5s', '--retry-period=500ms'],
      ...['--priority=3', '--preempt=true', '--lead-unhealthy=true'],
      ...['--app-health-url=tcp://127.0.0.1:3000', '--app-health-interval=5s', '--app-health-timeout=2s'],
      ...['--app-health-failures=4', '--app-health-successes=5', '--shutdown-delay=6s'],
      ...['--kubeconfig=/etc/kubeconfig', '--log-level=debug'],
    ];
    expect(configOf(IN_POD, argv, { readFile: () => '' })).toMatchObject({
      lease: { name: 'other', namespace: 'ops' },
      timings: { leaseDurationMs: 60_000, renewDeadlineMs: 40_000, renewIntervalMs: 5_000, retryPeriodMs: 500 },
      candidacy: { priority: 3, preempt: true, neverLead: false, leadUnhealthy: true },
      appHealth: { target: { port: 3_000 }, intervalMs: 5_000, timeoutMs: 2_000, failures: 4, successes: 5 },
      shutdown: { kind: 'delay', delayMs: 6_000 },
      apiListen: { host: '::1', port: 0 },
      probeListen: { host: '', port: 9000 },
      kubeconfig: '/etc/kubeconfig',
      logLevel: 'debug',
    });
  });

  test('the renew interval is the retry period unless it is given', () => {
    expect(configOf(IN_POD, ['--retry-period=3s']).timings.renewIntervalMs).toBe(3_000);
    expect(configOf(IN_POD, ['--retry-period=3s', '--renew-interval=1s']).timings.renewIntervalMs).toBe(1_000);
  });

  test('nothing in it can be changed', () => {
    const config = configOf(IN_POD);
    for (const part of [config, config.lease, config.pod, config.timings, config.apiListen, config.probeListen]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test('variables of a Service named leasegate are no options', () => {
    const links = { LEASEGATE_SERVICE_HOST: '10.96.0.9', LEASEGATE_PORT_4041_TCP_ADDR: '10.96.0.9' };
    expect(load({ ...IN_POD, ...links, LEASEGATE_PORT: 'tcp://10.96.0.9:4041' }).ok).toBe(true);
  });
});

describe('the namespace', () => {
  const everywhere: Partial<ConfigSources> = {
    readFile: (path) => (path === NAMESPACE_FILE ? 'from-file\n' : undefined),
    kubeconfigNamespace: () => 'from-kubeconfig',
  };

  test('comes from the flag, the variable, the pod, the service account, the kubeconfig, in this order', () => {
    const namespaceOf = (...input: Parameters<typeof load>) => configOf(...input).lease.namespace;
    const set = { ...OUTSIDE, LEASEGATE_NAMESPACE: 'from-env', POD_NAMESPACE: 'from-pod' };
    expect(namespaceOf(set, ['--namespace=from-flag'], everywhere)).toBe('from-flag');
    expect(namespaceOf(set, [], everywhere)).toBe('from-env');
    expect(namespaceOf({ ...OUTSIDE, POD_NAMESPACE: 'from-pod' }, [], everywhere)).toBe('from-pod');
    expect(namespaceOf(OUTSIDE, [], everywhere)).toBe('from-file');
    expect(namespaceOf(OUTSIDE, [], { ...everywhere, readFile: () => undefined })).toBe('from-kubeconfig');
  });

  test('is asked of the kubeconfig that was named', () => {
    const ports: Partial<ConfigSources> = {
      readFile: (path) => (path === '/k' ? '' : undefined),
      kubeconfigNamespace: (path) => (path === '/k' ? 'named' : 'other'),
    };
    expect(configOf(OUTSIDE, ['--kubeconfig=/k'], ports).lease.namespace).toBe('named');
  });

  test('is never assumed', () => {
    expect(problemsOf(OUTSIDE)).toMatchObject([
      { code: 'OPTION_MISSING', option: 'LEASEGATE_NAMESPACE (--namespace)', value: null },
    ]);
  });

  test('is refused, not passed over, where it is invalid', () => {
    const option = 'LEASEGATE_NAMESPACE (--namespace)';
    expect(problemsOf({ ...IN_POD, LEASEGATE_NAMESPACE: 'a.b' }, [], everywhere)).toMatchObject([
      { option, value: 'a.b' },
    ]);
    expect(problemsOf({ ...OUTSIDE, POD_NAMESPACE: 'A' }, [], everywhere)).toMatchObject([{ option: 'POD_NAMESPACE' }]);
    expect(problemsOf(OUTSIDE, [], { ...everywhere, readFile: () => 'a b' })).toMatchObject([
      { code: 'OPTION_INVALID', option, value: 'a b', message: expect.stringContaining(NAMESPACE_FILE) },
    ]);
    expect(problemsOf(OUTSIDE, [], { kubeconfigNamespace: () => 'a_b' })).toMatchObject([
      { code: 'OPTION_INVALID', option, value: 'a_b', message: expect.stringContaining("kubeconfig's context") },
    ]);
  });
});

describe('the kubeconfig', () => {
  test('that cannot be read is refused, once', () => {
    expect(problemsOf({ ...OUTSIDE, KUBECONFIG: '/no/such' })).toMatchObject([
      { code: 'OPTION_INVALID', option: 'KUBECONFIG (--kubeconfig)', value: '/no/such' },
    ]);
  });

  test('may be a list of which a part can be read', () => {
    const ports = { readFile: (path: string) => (path === '/b' ? '' : undefined) };
    expect(configOf({ ...IN_POD, KUBECONFIG: '/a:/b' }, [], ports).kubeconfig).toBe('/a:/b');
    expect(problemsOf({ ...IN_POD, KUBECONFIG: '/a:/c' }, [], ports)).toHaveLength(1);
    expect(problemsOf({ ...IN_POD, KUBECONFIG: ':' }, [], ports)).toHaveLength(1);
  });
});

describe('values', () => {
  test.each([
    ['LEASEGATE_LEASE_NAME', 'My_App', 'is not a DNS-1123 subdomain'],
    ['LEASEGATE_LEASE_DURATION', '1500ms', 'is not a whole number of seconds, and a Lease holds no other'],
    ['LEASEGATE_LEASE_DURATION', '15', 'has no unit'],
    ['LEASEGATE_LEASE_DURATION', '0s', 'is too short'],
    ['LEASEGATE_LEASE_DURATION', '2h', 'is too long'],
    ['LEASEGATE_RENEW_DEADLINE', 'soon', 'is not a duration'],
    ['LEASEGATE_RENEW_INTERVAL', '1ms', 'is too short'],
    ['LEASEGATE_RETRY_PERIOD', '0ms', 'is too short'],
    ['LEASEGATE_API_LISTEN', '0.0.0.0:4040', 'is not a loopback address, and what it serves changes state'],
    ['LEASEGATE_PROBE_LISTEN', '4041', 'has no host'],
    ['LEASEGATE_LOG_LEVEL', 'verbose', 'is not accepted'],
    ['POD_NAME', 'a_b', 'is not a DNS-1123 subdomain'],
    ['POD_UID', 'a_b', 'holds characters that a pod uid does not have'],
    ['POD_IP', '10.0.0', 'is not an IP address'],
  ])('%s=%s is refused: it %s', (name, value, message) => {
    const problems = problemsOf({ ...IN_POD, [name]: value });
    expect(problems).toMatchObject([{ code: 'OPTION_INVALID', value, message }]);
    expect(problems[0]?.option.startsWith(name)).toBe(true);
  });

  test('the name of the Lease, or its prefix, is required', () => {
    const { LEASEGATE_LEASE_NAME: _, ...env } = IN_POD;
    expect(problemsOf(env)).toEqual([
      {
        code: 'OPTION_MISSING',
        option: 'LEASEGATE_LEASE_NAME (--lease-name)',
        value: null,
        message: 'is required',
        remedy:
          'set LEASEGATE_LEASE_NAME (DNS-1123 subdomain; up to 64 with commas between them), or LEASEGATE_LEASE_NAME_PREFIX (DNS-1123 subdomain of at most 226 characters)',
      },
    ]);
  });

  test('an option that does not exist is refused, since nothing would come of it', () => {
    const name = 'LEASEGATE_ELECT_BY_LOT';
    expect(problemsOf({ ...IN_POD, [name]: 'x' })).toMatchObject([{ code: 'OPTION_UNKNOWN', option: name }]);
  });

  test('a misspelt variable is refused with the nearest name', () => {
    expect(problemsOf({ ...IN_POD, LEASEGATE_RENEW_DEADLIN: '5s', LEASEGATE_POD_NAME: 'x' })).toMatchObject([
      { code: 'OPTION_UNKNOWN', remedy: 'did you mean LEASEGATE_RENEW_DEADLINE?' },
      { code: 'OPTION_UNKNOWN', remedy: 'did you mean POD_NAME?' },
    ]);
  });
});

describe('relations', () => {
  test.each([
    [
      ['--renew-deadline=15s'],
      'LEASEGATE_RENEW_DEADLINE 15s is not shorter than LEASEGATE_LEASE_DURATION 15s (its default)',
    ],
    [
      ['--renew-deadline=1m'],
      'LEASEGATE_RENEW_DEADLINE 1m is not shorter than LEASEGATE_LEASE_DURATION 15s (its default)',
    ],
    [
      ['--renew-deadline=13501ms'],
      'LEASEGATE_RENEW_DEADLINE 13s501ms leaves too small a safety margin before LEASEGATE_LEASE_DURATION 15s (its default)',
    ],
    [
      ['--lease-duration=5s'],
      'LEASEGATE_RENEW_DEADLINE 10s (its default) is not shorter than LEASEGATE_LEASE_DURATION 5s',
    ],
    [
      ['--renew-interval=5001ms'],
      'LEASEGATE_RENEW_INTERVAL 5s1ms does not fit twice into LEASEGATE_RENEW_DEADLINE 10s (its default)',
    ],
    [
      ['--retry-period=6s'],
      'LEASEGATE_RENEW_INTERVAL 6s (that of LEASEGATE_RETRY_PERIOD) does not fit twice into LEASEGATE_RENEW_DEADLINE 10s (its default)',
    ],
    [
      ['--retry-period=9s', '--renew-interval=2s'],
      'LEASEGATE_RENEW_DEADLINE 10s (its default) is not longer than 1.2 times LEASEGATE_RETRY_PERIOD 9s',
    ],
    [
      ['--probe-listen=:4040'],
      'LEASEGATE_PROBE_LISTEN :4040 and LEASEGATE_API_LISTEN 127.0.0.1:4040 (its default) want the same port',
    ],
  ])('%j is refused', (argv, message) => {
    const problems = problemsOf(IN_POD, argv);
    expect(problems).toMatchObject([{ code: 'OPTION_CONFLICT', message }]);
    const [given] = argv[0]!.split('=');
    expect(problems[0]?.option).toContain(given);
  });

  test('where timings do not fit, all four that do are named at once, and they are accepted', () => {
    const env = { ...IN_POD, LEASEGATE_LEASE_DURATION: '3s' };
    const [problem, ...others] = problemsOf(env, []);
    expect(others).toEqual([]);
    expect(problem?.remedy).toBe(
      'these fit together: LEASEGATE_LEASE_DURATION=3s LEASEGATE_RENEW_DEADLINE=2s LEASEGATE_RENEW_INTERVAL=400ms LEASEGATE_RETRY_PERIOD=400ms',
    );
    const advised = [...problem!.remedy.matchAll(/(\w+)=(\w+)/g)].map(([, name, value]) => [name, value]);
    expect(problemsOf({ ...env, ...Object.fromEntries(advised) }, [])).toEqual([]);
  });

  test.each([
    [['--renew-deadline=13500ms']],
    [['--renew-interval=5s']],
    [['--retry-period=8333ms', '--renew-interval=2s']],
    [['--lease-duration=1s', '--renew-deadline=800ms', '--retry-period=100ms']],
    [['--lease-duration=270s', '--renew-deadline=240s', '--retry-period=60s']],
    [['--api-listen=127.0.0.1:0', '--probe-listen=127.0.0.1:0']],
  ])('%j is accepted', (argv) => {
    expect(problemsOf(IN_POD, argv)).toEqual([]);
  });
});

test('problems of every kind are reported together', () => {
  const env = { LEASEGATE_LEASE_NAME: 'X', LEASEGATE_NONSENSE_AT_ALL: '1', LEASEGATE_RENEW_INTERVAL: '9s' };
  const codes = problemsOf(env, ['--kubeconfg=/x', '--api-listen', '--log-level=loud', 'extra']).map(
    ({ code }) => code,
  );
  expect(codes).toEqual([
    'OPTION_UNKNOWN',
    'OPTION_INVALID',
    'ARGUMENT_UNEXPECTED',
    'OPTION_UNKNOWN',
    'OPTION_INVALID',
    'OPTION_INVALID',
    'OPTION_CONFLICT',
    'OPTION_MISSING',
  ]);
});

import { describe, expect, test } from 'vitest';
import { healthUrl } from './health-url.ts';
import { loadFrom, NAMED } from './load.fixture.ts';

const load = (env: Record<string, string>) => loadFrom({ ...NAMED, ...env });
const healthOf = (env: Record<string, string>) => {
  const result = load(env);
  return result.ok ? result.config.appHealth : result.problems;
};
const said = (env: Record<string, string>) => {
  const result = load(env);
  return result.ok ? [] : result.problems.map(({ message, remedy }) => `${message}; ${remedy}`);
};
const URL_OPTION = { LEASEGATE_APP_HEALTH_URL: 'http://127.0.0.1:3000/healthz' };

test('without a URL nothing is checked', () => {
  expect(healthOf({})).toBeNull();
});

test('with one, the rest has defaults', () => {
  expect(healthOf(URL_OPTION)).toEqual({
    target: { protocol: 'http', host: '127.0.0.1', port: 3_000, path: '/healthz' },
    ...{ intervalMs: 1_000, timeoutMs: 1_000, failures: 3, successes: 1 },
  });
});

test('a check takes as long as the interval by default, and no longer than a second', () => {
  const timeoutOf = (interval: string) => healthOf({ ...URL_OPTION, LEASEGATE_APP_HEALTH_INTERVAL: interval });
  expect(timeoutOf('200ms')).toMatchObject({ intervalMs: 200, timeoutMs: 200 });
  expect(timeoutOf('10s')).toMatchObject({ intervalMs: 10_000, timeoutMs: 1_000 });
});

describe('a URL', () => {
  test.each<[string, object]>([
    ['http://127.0.0.1:3000', { protocol: 'http', host: '127.0.0.1', port: 3_000, path: '/' }],
    ['http://localhost/healthz?full=1', { protocol: 'http', host: 'localhost', port: 80, path: '/healthz?full=1' }],
    ['https://10.0.0.7', { protocol: 'https', host: '10.0.0.7', port: 443, path: '/' }],
    ['HTTP://[::1]:8080/a b', { protocol: 'http', host: '::1', port: 8_080, path: '/a%20b' }],
    ['http://[::1]/', { protocol: 'http', host: '::1', port: 80, path: '/' }],
    ['tcp://127.0.0.1:3000', { protocol: 'tcp', host: '127.0.0.1', port: 3_000, path: '' }],
    ['tcp://127.0.0.1:3000/', { protocol: 'tcp', host: '127.0.0.1', port: 3_000, path: '' }],
    ['grpc://127.0.0.1:3000', { protocol: 'grpc', host: '127.0.0.1', port: 3_000, path: '' }],
    [
      'grpc://127.0.0.1:3000/my.v1.Service',
      { protocol: 'grpc', host: '127.0.0.1', port: 3_000, path: 'my.v1.Service' },
    ],
  ])('%s is taken, and read back from how it is shown', (text, value) => {
    const type = healthUrl();
    const parsed = type.parse(text);
    expect(parsed).toEqual({ ok: true, value });
    if (parsed.ok) expect(type.parse(type.format(parsed.value))).toEqual(parsed);
  });

  test.each<[string, string]>([
    ['127.0.0.1:3000', 'is not a URL'],
    ['ftp://127.0.0.1:3000', 'has a protocol that is not checked'],
    ['http://', 'names nobody to connect to'],
    ['http://user:password@127.0.0.1:3000/', 'holds a user, which is not sent'],
    ['http://127.0.0.1:3000/#top', 'has a fragment, which is never sent'],
    ['http://0.0.0.0:3000/', 'names nobody to connect to'],
    ['http://127.0.0.1:0/', 'has no port to connect to'],
    ['http://127.0.0.1:70000/', 'has a port above 65535'],
    ['tcp://127.0.0.1', 'is not an address'],
    ['tcp://127.0.0.1:3000/healthz', 'has a path, but a connection has none'],
    ['grpc://127.0.0.1:3000/a/b', 'has more than the name of a service behind its port'],
  ])('%s is refused: %s', (text, message) => {
    expect(healthUrl().parse(text)).toMatchObject({ ok: false, message });
  });
});

describe('refused is', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'how to check without what',
      { LEASEGATE_APP_HEALTH_FAILURES: '5' },
      'LEASEGATE_APP_HEALTH_FAILURES 5 says nothing without an application to check; set LEASEGATE_APP_HEALTH_URL, such as http://127.0.0.1:3000/healthz, or leave it out',
    ],
    [
      'to lead without a healthy application where nobody asks',
      { LEASEGATE_LEAD_UNHEALTHY: 'true' },
      'LEASEGATE_LEAD_UNHEALTHY true says nothing without an application to check; set LEASEGATE_APP_HEALTH_URL, such as http://127.0.0.1:3000/healthz, or leave it out',
    ],
    [
      'a check that outlasts the interval',
      { ...URL_OPTION, LEASEGATE_APP_HEALTH_TIMEOUT: '2s' },
      'LEASEGATE_APP_HEALTH_TIMEOUT 2s is longer than LEASEGATE_APP_HEALTH_INTERVAL 1s (its default); make it as long at most',
    ],
    [
      'the probe listener, which speaks of Leasegate',
      { LEASEGATE_APP_HEALTH_URL: 'http://127.0.0.1:4041/healthz' },
      "LEASEGATE_APP_HEALTH_URL http://127.0.0.1:4041/healthz is LEASEGATE_PROBE_LISTEN 0.0.0.0:4041 (its default), of Leasegate itself; name the application's own port",
    ],
    [
      'the gateway, through which only a leader would be well',
      {
        LEASEGATE_GATEWAY_LISTEN: ':8080',
        LEASEGATE_GATEWAY_TARGET: '127.0.0.1:3000',
        LEASEGATE_APP_HEALTH_URL: 'http://localhost:8080/',
      },
      "LEASEGATE_APP_HEALTH_URL http://localhost:8080/ is LEASEGATE_GATEWAY_LISTEN :8080, of Leasegate itself; name the application's own port",
    ],
  ])('%s', (_, env, sentence) => {
    expect(said(env)).toEqual([sentence]);
  });
});

describe('shutdown', () => {
  const shutdownOf = (env: Record<string, string>) => {
    const result = load(env);
    return result.ok ? result.config.shutdown : result.problems;
  };

  test('is not put off by default', () => {
    expect(shutdownOf({})).toEqual({ kind: 'delay', delayMs: 0 });
  });

  test('waits for a time, or for a port', () => {
    expect(shutdownOf({ LEASEGATE_SHUTDOWN_DELAY: '5s' })).toEqual({ kind: 'delay', delayMs: 5_000 });
    expect(shutdownOf({ LEASEGATE_SHUTDOWN_WAIT_FOR: 'tcp://127.0.0.1:3000' })).toEqual({
      kind: 'port',
      port: { host: '127.0.0.1', port: 3_000 },
      waitMsMax: 15_000,
    });
  });

  test.each<[Record<string, string>, string]>([
    [
      { LEASEGATE_SHUTDOWN_DELAY: '5s', LEASEGATE_SHUTDOWN_WAIT_FOR: 'tcp://127.0.0.1:3000' },
      'LEASEGATE_SHUTDOWN_DELAY 5s and LEASEGATE_SHUTDOWN_WAIT_FOR tcp://127.0.0.1:3000 both put off the end; keep one of them',
    ],
    [
      { LEASEGATE_SHUTDOWN_WAIT_MAX: '5s' },
      'LEASEGATE_SHUTDOWN_WAIT_MAX 5s bounds nothing; set LEASEGATE_SHUTDOWN_WAIT_FOR, such as tcp://127.0.0.1:3000, or leave it out',
    ],
    [
      { LEASEGATE_SHUTDOWN_WAIT_FOR: 'http://127.0.0.1:3000' },
      'has a protocol that is not checked; write tcp://127.0.0.1:3000',
    ],
  ])('%o is refused', (env, sentence) => {
    expect(said(env)).toEqual([sentence]);
  });
});

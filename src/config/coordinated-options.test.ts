import { describe, expect, test } from 'vitest';
import { semver } from './coordinated-options.ts';
import { loadFrom, NAMED, problemsIn } from './load.fixture.ts';

const load = (env: Record<string, string>) => loadFrom({ ...NAMED, ...env });
const coordinatedOf = (env: Record<string, string>) => {
  const result = load(env);
  return result.ok ? result.config.coordinated : result.problems;
};
const ON = { LEASEGATE_COORDINATED: 'true', LEASEGATE_APP_VERSION: '1.4.2' };
const said = (env: Record<string, string>) => problemsIn(load(env));

test('an election is coordinated where that is asked for, with the version of the application', () => {
  expect(coordinatedOf({})).toBeNull();
  expect(coordinatedOf({ LEASEGATE_COORDINATED: 'false' })).toBeNull();
  expect(coordinatedOf(ON)).toEqual({ appVersion: '1.4.2', podGiven: false });
  expect(coordinatedOf({ ...ON, POD_NAME: 'my-app-0', POD_UID: '6f1c' })).toMatchObject({ podGiven: true });
});

test('one of the two options alone says what is missing', () => {
  expect(said({ LEASEGATE_COORDINATED: 'true' })).toEqual([
    expect.stringMatching(/needs the version of the application; set LEASEGATE_APP_VERSION=/),
  ]);
  expect(said({ LEASEGATE_APP_VERSION: '1.4.2' })).toEqual([
    expect.stringMatching(/says nothing without a coordinated election; set LEASEGATE_COORDINATED=true/),
  ]);
});

test.each([
  ['LEASEGATE_PRIORITY', '3', 'by version, not by priority'],
  ['LEASEGATE_PRIORITY', '10', 'by version, not by priority'],
  ['LEASEGATE_PREEMPT', 'true', 'by itself'],
  ['LEASEGATE_LEAD_UNHEALTHY', 'true', 'an unhealthy replica is no candidate'],
])("%s=%s can't be honoured, and is refused by its name", (name, value, why) => {
  const healthCheck = { LEASEGATE_APP_HEALTH_URL: 'http://127.0.0.1:3000/healthz' };
  expect(said({ ...ON, ...healthCheck, [name]: value })).toEqual([
    expect.stringMatching(new RegExp(`^${name} .*can't be honoured: .*${why}; leave it out$`)),
  ]);
});

test('what asks for nothing contradicts nothing, and whoever never leads may follow', () => {
  const quiet = { LEASEGATE_PREEMPT: 'false', LEASEGATE_LEAD_UNHEALTHY: 'false', LEASEGATE_NEVER_LEAD: 'true' };
  expect(said({ ...ON, ...quiet })).toEqual([]);
});

test('several elections are refused', () => {
  expect(said({ ...ON, LEASEGATE_LEASE_NAME: 'a,b' })).toEqual([
    expect.stringMatching(/is for one election; name one/),
  ]);
});

test('a pod name that leaves no room in the name of a candidate is refused', () => {
  expect(said({ ...ON, POD_NAME: 'a'.repeat(63) })).toEqual([]);
  expect(said({ ...ON, POD_NAME: `${'a'.repeat(63)}.b` })).toEqual([expect.stringMatching(/^POD_NAME.*is too long/)]);
});

describe('a version', () => {
  test.each([
    '1.4.2',
    '0.0.1',
    '10.20.30',
    '1.0.0-rc.1',
    '1.0.0-0a.b-c',
    '2.0.0+build.5',
    '1.0.0-alpha+001',
    '0.0.0-rc.1',
  ])('%s is taken as it is', (text) => expect(semver.parse(text)).toEqual({ ok: true, value: text }));

  test.each([
    ['v1.4.2', 'write it as 1.4.2'],
    ['1.4', 'write it as 1.4.0'],
    ['v2', 'write it as 2.0.0'],
    ['01.2.3', 'write it as 1.2.3'],
    ['v1.4-rc.1', 'write it as 1.4.0-rc.1'],
    ['1.2.3.4', 'such as 1.4.2'],
    ['latest', 'such as 1.4.2'],
    ['1.0.0-01', 'such as 1.4.2'],
    ['1.0.0-', 'such as 1.4.2'],
    ['', 'such as 1.4.2'],
    ['9999999999999999999.0.0', 'such as 1.4.2'],
    ['0.0.0', 'use one above 0.0.0'],
    ['0.0.0+build', 'use one above 0.0.0'],
    [`1.0.0-${'a'.repeat(64)}`, 'at most 64'],
  ])('%s is refused, with what to write instead', (text, remedy) => {
    expect(semver.parse(text)).toMatchObject({ ok: false, remedy: expect.stringContaining(remedy) });
  });
});

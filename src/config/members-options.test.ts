import { expect, test } from 'vitest';
import { loadFrom, NAMED, problemsIn } from './load.fixture.ts';

const load = (env: Record<string, string>) => loadFrom({ ...NAMED, ...env });
const membersOf = (env: Record<string, string>) => {
  const result = load(env);
  return result.ok ? result.config.members : result.problems;
};
const said = (env: Record<string, string>) => problemsIn(load({ LEASEGATE_MEMBERS: 'true', ...env }));

test('a heartbeat is kept where it is asked for, as kubelet keeps its', () => {
  expect(membersOf({})).toBeNull();
  expect(membersOf({ LEASEGATE_MEMBERS: 'false' })).toBeNull();
  expect(membersOf({ LEASEGATE_MEMBERS: 'true' })).toEqual({ durationMs: 40_000, intervalMs: 10_000, podGiven: false });
  const pod = { POD_NAME: 'my-app-0', POD_UID: '6f1c' };
  expect(membersOf({ LEASEGATE_MEMBERS: 'true', ...pod })).toMatchObject({ podGiven: true });
});

test('three heartbeats fit into the duration of one', () => {
  const timed = (duration: string, interval: string) =>
    said({ LEASEGATE_MEMBERS_DURATION: duration, LEASEGATE_MEMBERS_INTERVAL: interval });
  expect(timed('30s', '10s')).toEqual([]);
  expect(timed('29s', '10s')).toEqual([
    expect.stringMatching(/does not fit three times into .*; make the interval shorter, or the duration longer$/),
  ]);
  expect(timed('10500ms', '1s')).toEqual([expect.stringContaining('is not a whole number of seconds')]);
});

test('timings say nothing where no heartbeat is kept', () => {
  expect(said({ LEASEGATE_MEMBERS: 'false', LEASEGATE_MEMBERS_INTERVAL: '5s' })).toEqual([
    expect.stringMatching(/^LEASEGATE_MEMBERS_INTERVAL .*says nothing without members; set LEASEGATE_MEMBERS=true/),
  ]);
});

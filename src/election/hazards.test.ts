import { expect, test } from 'vitest';
import { CONFIG, CONFLICT, leader, lease, ME, OTHER, standby, stored, TIMINGS, UNKNOWN } from './driver.fixture.ts';
import { formatIdentity, InvariantError, initialState, viewOf } from './index.ts';

/** The hazards known from client-go's elector and its issues, one test each; every one fails when the hazard is put back. */

test('H1: the deadline counts from before the request was sent, not from its answer', () => {
  const { replica } = leader();
  const renewal = stored(replica.wake().the('update').content, '102');
  const sentMs = replica.nowMs;
  replica.wait(3_000).reply({ kind: 'ok', record: renewal });
  expect(replica.state.tenure?.validity.validUntilMonoMs).toBe(sentMs + TIMINGS.renewDeadlineMs);
  const claim = standby(lease({ holder: '' })).tick();
  const record = stored(claim.the('update').content, '101');
  claim.wait(3_000).reply({ kind: 'ok', record });
  expect(claim.state.tenure?.validity.validUntilMonoMs).toBe(TIMINGS.renewDeadlineMs);
});

test('H2: a leader that could not renew stops its work at the deadline, and releases nothing before that', () => {
  const { replica } = leader();
  replica.wake().wait(4_000).reply(UNKNOWN).wait(2_000).reply(UNKNOWN).wait(2_000).tick();
  expect(replica.nowMs).toBe(10_000);
  expect(replica.kinds()).toEqual(['stop-work']);
  expect(replica.send({ kind: 'stop' }).wait(1_000).tick().kinds()).toEqual([]);
  expect(replica.send({ kind: 'work-stopped' }).kinds()).toEqual(['update']);
});

test("H3: a release replaces only the version seen as its own; a successor's Lease stays untouched", () => {
  const { replica } = leader();
  replica.send({ kind: 'stop' }).send({ kind: 'work-stopped' });
  expect(replica.the('update').base).toMatchObject({ holder: ME, resourceVersion: '101' });
  expect(replica.reply(CONFLICT).kinds()).toEqual(['read']);
  replica.reply({ kind: 'ok', record: lease({ resourceVersion: '105', holder: OTHER }) });
  expect(replica.kinds()).toEqual(['released', 'finished']);
});

test('H4: a leader that sees another valid holder stops at once, not at its deadline', () => {
  const { replica } = leader();
  replica.wait(1).sees(lease({ resourceVersion: '105' }));
  expect(replica.the('stop-work')).toMatchObject({ graceful: false, reason: 'taken-over' });
});

test('H5: a Lease deleted while it is held is not created by others before the holder has stopped', () => {
  const renewedMs = 0;
  const replica = standby(lease()).wait(100).watching(false).tick().reply({ kind: 'absent' });
  expect(replica.kinds()).toEqual([]);
  while (replica.all('create').length === 0)
    replica.wake().state.pending?.purpose === 'read' && replica.reply({ kind: 'absent' });
  expect(replica.nowMs).toBeGreaterThanOrEqual(renewedMs + TIMINGS.leaseDurationMs);
});

test('H6: a process that finds a renewal under its own name that it did not write stops leading', () => {
  const { replica, record } = leader();
  replica.sees({ ...record, resourceVersion: '105', renewTime: "another process's" });
  expect(replica.the('stop-work').reason).toBe('lease-edited');
  expect(formatIdentity('web-0', 'uid', 'start-1')).not.toBe(formatIdentity('web-0', 'uid', 'start-2'));
});

test('H7: two renewals within one second, or one microsecond, are two', () => {
  const { replica } = leader();
  const first = stored(replica.wake().the('update').content, '102');
  replica.reply(CONFLICT).reply({ kind: 'ok', record: { ...first, resourceVersion: '103' } });
  replica.send({ kind: 'step-down' }).send({ kind: 'work-stopped' });
  expect(replica.the('update').content.renewTime).not.toBe(first.renewTime);
  const watcher = standby(lease({ renewTime: '2026-01-01T00:00:00.000001Z' })).wait(1_000);
  watcher.sees(lease({ resourceVersion: '101', renewTime: '2026-01-01T00:00:00.000002Z' }));
  expect(watcher.wakeInMs()).toBe(15_000);
});

test('H8: an acquisition after a failed renewal writes its own acquireTime', () => {
  const { replica, record } = leader();
  replica.wake().wait(4_000).reply(UNKNOWN).wait(4_000).tick().reply({ kind: 'ok', record });
  replica.send({ kind: 'work-stopped' }).wait(2_000).tick();
  const { content } = replica.the('update');
  expect(content.acquireTime).toBe(content.renewTime);
  expect(content.acquireTime).not.toBe(record.acquireTime);
});

test('H9: what is published is a deadline; the name in the Lease says nothing after it', () => {
  const { replica } = leader();
  expect(viewOf(replica.state).tenure?.validity.validUntilMonoMs).toBe(10_000);
  replica.wait(10_000).tick();
  expect(viewOf(replica.state)).toMatchObject({ tenure: null, holder: { identity: ME } });
});

test('H10: a creation that failed leaves nothing behind: the next attempt reads before it writes', () => {
  const replica = standby()
    .send({ kind: 'deleted', record: lease({ resourceVersion: '101', holder: '' }) })
    .tick();
  expect(replica.kinds()).toEqual(['create']);
  expect(replica.reply(UNKNOWN).state.sighting.kind).toBe('absent');
  expect(replica.wake().kinds()).toEqual(['read']);
  replica.reply({ kind: 'absent' }).tick();
  expect(replica.all('update')).toEqual([]);
  expect(replica.kinds()).toEqual(['create']);
});

test.each([500, 1_500, 0, -1_000])(
  'H11: a duration of %d ms, which no Lease can hold, is refused rather than rounded',
  (leaseDurationMs) => {
    const timings = { ...TIMINGS, leaseDurationMs, renewDeadlineMs: -2_000 };
    expect(() => initialState({ ...CONFIG, timings })).toThrow(InvariantError);
  },
);

test("H12: a standby waits for the record's duration, shorter or longer than its own", () => {
  expect(standby(lease({ leaseDurationMs: 5_000 })).wakeInMs()).toBe(5_000);
  expect(standby(lease({ leaseDurationMs: 40_000 })).wakeInMs()).toBe(40_000);
});

test('H13: work belongs to a term: no new one begins before the work of the last has stopped', () => {
  const { replica } = leader();
  replica.wait(10_000).tick();
  replica
    .wait(60_000)
    .sees(lease({ resourceVersion: '105', holder: '' }))
    .tick();
  expect(replica.kinds()).toEqual([]);
  replica.send({ kind: 'work-stopped' }).tick();
  replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '106') });
  expect(replica.the('started').fencingToken).toBe('106');
});

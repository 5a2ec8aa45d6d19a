import { describe, expect, test } from 'vitest';
import { CONFLICT, leader, lease, ME, OTHER, stored, TIMINGS, UNKNOWN } from './driver.fixture.ts';
import type { LeaseRecord, RequestOutcome } from './index.ts';

/** A leader whose first renewal, sent at 2 s, is under way; `renewal` is what the store holds once it was written. */
function renewing() {
  const { replica, record } = leader();
  const renewal = stored(replica.wake().the('update').content, '102');
  return { replica, record, renewal };
}

describe('a leader', () => {
  test('sends one PUT per renew interval, over the version it wrote last, and no GET', () => {
    const { replica } = leader();
    for (let version = 102; version < 110; version++) {
      expect(replica.wakeInMs()).toBe(2_000);
      const { base, content } = replica.wake().the('update');
      expect(base.resourceVersion).toBe(String(version - 1));
      replica.wait(3).reply({ kind: 'ok', record: stored(content, String(version)) });
      replica.nowMs -= 3;
      expect(replica.reports()).toEqual(['reachable', 'renewed']);
    }
    expect(replica.nowMs).toBe(16_000);
    expect(replica.state.tenure?.fencingToken).toBe('101');
  });

  test('keeps acquireTime and transitions over renewals', () => {
    const { replica, record } = renewing();
    expect(replica.the('update').content).toMatchObject({
      acquireTime: record.acquireTime,
      transitions: record.transitions,
    });
  });

  test('bounds each request by half of what is left until its deadline', () => {
    const { replica } = renewing();
    expect(replica.the('update').timeoutMs).toBe(4_000);
  });

  test('is renewed from before the renewal was sent, however late the answer', () => {
    const { replica, renewal } = renewing();
    replica.wait(3_900).reply({ kind: 'ok', record: renewal });
    expect(replica.validForMs()).toBe(10_000 - 3_900);
  });

  test('renews at once when an answer took longer than the interval', () => {
    const { replica, renewal } = renewing();
    replica.wait(2_500).reply({ kind: 'ok', record: renewal });
    expect(replica.kinds()).toEqual(['update']);
  });

  test('stops at its deadline, whatever is still under way', () => {
    const { replica } = renewing();
    expect(replica.wakeInMs()).toBe(8_000);
    expect(replica.wait(7_999).tick().leads).toBe(true);
    expect(replica.wait(1).tick().kinds()).toEqual(['stop-work']);
    expect(replica.the('stop-work')).toMatchObject({ graceful: false, reason: 'expired' });
    expect(replica.leads).toBe(false);
  });

  test('learns of its deadline by whatever happens first after it', () => {
    const { replica, renewal } = renewing();
    replica.wait(8_000).reply({ kind: 'ok', record: renewal });
    expect(replica.the('stop-work').reason).toBe('expired');
    expect(replica.leads).toBe(false);
  });

  test.each([1_001, -1_001])('stops when the wall clock jumped by %d ms, as after a suspend', (jumpMs) => {
    const { replica } = leader();
    replica.wallAheadMs += jumpMs;
    expect(replica.wait(10).tick().the('stop-work')).toMatchObject({ graceful: false, reason: 'clock-jumped' });
  });

  test('stops when the wall clock jumped during a renewal, though by the renewal before it did not', () => {
    const { replica } = leader();
    replica.wallAheadMs += 1_000;
    replica.wake();
    const renewal = stored(replica.the('update').content, '102');
    replica.wallAheadMs -= 1_001;
    expect(replica.reply({ kind: 'ok', record: renewal }).the('stop-work')).toMatchObject({ reason: 'clock-jumped' });
    expect(replica.leads).toBe(false);
  });

  test('takes no notice of a wall clock that is slewed within the tolerance', () => {
    const { replica } = leader();
    replica.wallAheadMs += 1_000;
    expect(replica.wait(10).tick().leads).toBe(true);
  });

  test('writes another renewTime than the stored one when the wall clock stepped back onto it', () => {
    const { replica, record } = leader({ timings: { ...TIMINGS, renewIntervalMs: 500 } });
    replica.wallAheadMs -= 500;
    const { content } = replica.wake().the('update');
    expect(content.renewTime).toBe(record.renewTime?.replace('000000Z', '000001Z'));
  });

  test('campaigns again after a loss, but not before its work has stopped', () => {
    const { replica } = renewing();
    replica.wait(4_000).reply(UNKNOWN).wait(4_000).tick();
    expect(replica.leads).toBe(false);
    replica.reply(UNKNOWN);
    expect(replica.wait(60_000).tick().kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBeNull();
    replica.send({ kind: 'work-stopped' });
    expect(replica.wakeInMs()).toBe(0);
    expect(replica.tick().kinds()).toEqual(['read']);
  });

  test('ignores being told that work stopped when none was to stop', () => {
    const { replica } = leader();
    expect(replica.send({ kind: 'work-stopped' }).leads).toBe(true);
  });
});

describe('the echo of a renewal', () => {
  test("that comes before the PUT's answer does not end the tenure", () => {
    const { replica, renewal } = renewing();
    expect(replica.sees(renewal).kinds()).toEqual([]);
    replica.reply({ kind: 'ok', record: renewal });
    expect(replica.leads).toBe(true);
    expect(replica.validForMs()).toBe(10_000);
  });

  test('does not extend the tenure by itself: only an answer or a read does', () => {
    const { replica, renewal } = renewing();
    expect(replica.wait(1_000).sees(renewal).validForMs()).toBe(7_000);
  });

  test('that comes after the answer changes nothing', () => {
    const { replica, renewal } = renewing();
    replica.reply({ kind: 'ok', record: renewal });
    expect(replica.wait(100).sees(renewal).leads).toBe(true);
    expect(replica.kinds()).toEqual([]);
  });

  test('of a renewal whose fate was unknown spares the next one a conflict, and is confirmed by a read', () => {
    const { replica, renewal } = renewing();
    replica.wait(4_000).reply(UNKNOWN);
    replica.sees(renewal);
    expect(replica.leads).toBe(true);
    expect(replica.validForMs()).toBe(4_000);
    replica.reply({ kind: 'ok', record: renewal });
    expect(replica.validForMs()).toBe(6_000);
  });
});

describe('a renewal whose fate is unknown', () => {
  test("is read at once; a read that shows it counts from that request's start", () => {
    const { replica, renewal } = renewing();
    replica.wait(4_000).reply(UNKNOWN);
    expect(replica.the('read').timeoutMs).toBe(2_000);
    expect(replica.reports()).toEqual(['renewal-failed', 'slow-path']);
    replica.wait(1_000).reply({ kind: 'ok', record: renewal });
    expect(replica.state.tenure).toMatchObject({ validity: { validUntilMonoMs: 12_000 }, unconfirmed: [] });
    expect(replica.the('update').base.resourceVersion).toBe('102');
  });

  test('and that a read does not show may still arrive: the next one is sent, and either may win', () => {
    const { replica, record, renewal } = renewing();
    replica.wait(4_000).reply(UNKNOWN).reply({ kind: 'ok', record });
    expect(replica.the('update').base.resourceVersion).toBe('101');
    expect(replica.validForMs()).toBe(4_000);
    // The first one was slow, and is written now.
    replica.reply(CONFLICT);
    expect(replica.wakeInMs()).toBe(2_000);
    replica.wake().reply({ kind: 'ok', record: renewal });
    expect(replica.state.tenure?.validity.validUntilMonoMs).toBe(12_000);
    // The second one, sent at 6 s, is not ruled out by what the first one did.
    expect(replica.state.tenure?.unconfirmed).toMatchObject([{ sentAt: { monoMs: 6_000 } }]);
  });

  test.each([UNKNOWN, CONFLICT])(
    'and that ends in $kind again is looked into before half of what is left is over',
    (outcome) => {
      const { replica, record } = renewing();
      replica.wait(4_000).reply(UNKNOWN).reply({ kind: 'ok', record }).wait(1_000).reply(outcome);
      expect(replica.validForMs()).toBe(3_000);
      expect(replica.wakeInMs()).toBe(1_500);
      expect(replica.wake().kinds()).toEqual(['read']);
      expect(replica.reply(UNKNOWN).wakeInMs()).toBe(750);
    },
  );

  test('is forgotten once a later one is acknowledged', () => {
    const { replica, record } = renewing();
    replica.wait(4_000).reply(UNKNOWN).reply({ kind: 'ok', record });
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.state.tenure).toMatchObject({ unconfirmed: [], validity: { validUntilMonoMs: 16_000 } });
  });

  test('is read once at once, later ones a retry period apart', () => {
    const { replica, record } = renewing();
    replica.reply(UNKNOWN).reply({ kind: 'ok', record }).reply(UNKNOWN);
    expect(replica.kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('and was written each time is not followed by a PUT before its interval is over', () => {
    const { replica, renewal } = renewing();
    replica.reply(UNKNOWN).reply({ kind: 'ok', record: renewal });
    expect(replica.kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBe(2_000);
  });
});

describe('a conflict', () => {
  test('is followed by one read at once; a mere edit of a label goes on with the next PUT', () => {
    const { replica, record } = renewing();
    replica.reply(CONFLICT);
    expect(replica.kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record: { ...record, resourceVersion: '105' } });
    expect(replica.the('update').base.resourceVersion).toBe('105');
  });

  test('after another conflict is followed by a read after a retry period', () => {
    const { replica, record } = renewing();
    replica
      .reply(CONFLICT)
      .reply({ kind: 'ok', record: { ...record, resourceVersion: '105' } })
      .reply(CONFLICT);
    expect(replica.kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBe(2_000);
  });

  test('of a renewal that a proxy sent twice is no edit: the first one was ours', () => {
    const { replica, renewal } = renewing();
    replica.wait(500).reply(CONFLICT).reply({ kind: 'ok', record: renewal });
    expect(replica.leads).toBe(true);
    expect(replica.state.tenure?.validity.validUntilMonoMs).toBe(12_000);
  });

  test('with another holder ends the tenure at once', () => {
    const { replica } = renewing();
    replica.reply(CONFLICT).reply({ kind: 'ok', record: lease({ resourceVersion: '105' }) });
    expect(replica.the('stop-work')).toMatchObject({ graceful: false, reason: 'taken-over' });
  });
});

describe('a refused renewal', () => {
  const refused = (retryAfterMs: number | null): RequestOutcome => ({
    kind: 'refused',
    code: 'throttled',
    retryAfterMs,
  });

  test('is sent again after a retry period, without a read: nothing was written', () => {
    const { replica } = renewing();
    replica.reply(refused(null));
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['update']);
  });

  test('heeds Retry-After', () => {
    const { replica } = renewing();
    expect(replica.reply(refused(3_000)).wakeInMs()).toBe(3_000);
    expect(replica.wait(2_999).tick().kinds()).toEqual([]);
    expect(replica.wait(1).tick().kinds()).toEqual(['update']);
  });

  test('heeds Retry-After only as far as half of what is left allows: there is time for more tries', () => {
    const { replica } = renewing();
    expect(replica.reply(refused(5_000)).wakeInMs()).toBe(4_000);
    expect(replica.wake().reply(refused(60_000)).wakeInMs()).toBe(2_000);
    expect(replica.wake().reply(refused(60_000)).wakeInMs()).toBe(1_000);
  });

  test('is tried more often towards the deadline, though never more often than four times a second', () => {
    const { replica } = renewing();
    const sentMs: number[] = [];
    while (replica.reply(refused(null)).wake().leads) sentMs.push(replica.nowMs);
    expect(sentMs).toEqual([4_000, 6_000, 8_000, 9_000, 9_500, 9_750]);
  });

  test('never extends the deadline', () => {
    const { replica } = renewing();
    while (replica.leads && replica.nowMs < 60_000) replica.reply(refused(null)).wake();
    expect(replica.nowMs).toBe(10_000);
    expect(replica.leads).toBe(false);
  });

  test('answered after the tenure ended is tried again as a claim, not before Retry-After', () => {
    const { replica } = renewing();
    replica.wait(8_000).tick().send({ kind: 'work-stopped' }).reply(refused(7_000));
    expect(replica.wakeInMs()).toBe(7_000);
    expect(replica.wake().kinds()).toEqual(['update']);
  });
});

describe('a read while leading', () => {
  const reading = () => {
    const { replica, record } = renewing();
    replica.reply(CONFLICT);
    return { replica, record };
  };

  test('that is stale says nothing: it is read again after a retry period', () => {
    const { replica } = reading();
    replica.reply({ kind: 'ok', record: lease({ resourceVersion: '99' }) });
    expect(replica.leads).toBe(true);
    expect(replica.reports()).toEqual(['reachable', 'renewal-failed']);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('that fails is repeated after a retry period', () => {
    const { replica } = reading();
    replica.reply(UNKNOWN);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('that finds no Lease ends the tenure', () => {
    const { replica } = reading();
    replica.reply({ kind: 'absent' });
    expect(replica.the('stop-work').reason).toBe('lease-deleted');
  });

  test('that finds a Lease of another uid ends the tenure, though it names this replica', () => {
    const { replica, record } = reading();
    replica.reply({ kind: 'ok', record: { ...record, uid: 'lease-2', resourceVersion: '120' } });
    expect(replica.the('stop-work').reason).toBe('lease-replaced');
  });
});

describe('what the watch shows a leader', () => {
  test('of another holder ends its tenure at once', () => {
    const { replica } = leader();
    replica.sees(lease({ resourceVersion: '102', holder: OTHER }));
    expect(replica.the('stop-work')).toMatchObject({ graceful: false, reason: 'taken-over' });
    expect(replica.leads).toBe(false);
  });

  test('of the time before its tenure is ignored', () => {
    const { replica } = leader();
    const before = replica.state;
    expect(replica.sees(lease({ resourceVersion: '100' })).state).toEqual(before);
    expect(replica.sees(lease({ resourceVersion: '99' }), 'list').state).toEqual(before);
    expect(replica.send({ kind: 'deleted', record: lease({ resourceVersion: '90' }) }).state).toEqual(before);
    expect(replica.send({ kind: 'absent', resourceVersion: '95' }).state).toEqual(before);
  });

  const edits: [string, Partial<LeaseRecord>][] = [
    ['its renewTime', { renewTime: '2020-01-01T00:00:00.000000Z' }],
    ['its acquireTime', { acquireTime: '2020-01-01T00:00:00.000000Z' }],
    ['its transitions', { transitions: 99 }],
    ['its duration', { leaseDurationMs: 1_000 }],
  ];
  test.each(edits)('of an edit of %s ends its tenure: others may be let in early', (_, fields) => {
    const { replica, record } = leader();
    replica.sees({ ...record, resourceVersion: '102', ...fields });
    expect(replica.the('stop-work').reason).toBe('lease-edited');
  });

  test('of an edit of a renewal that is not answered yet ends its tenure as well', () => {
    const { replica } = leader();
    const { content } = replica.wake().the('update');
    replica.sees({ ...stored(content, '103'), transitions: 99 });
    expect(replica.the('stop-work').reason).toBe('lease-edited');
  });

  test('of an edited label is taken as the base of the next renewal', () => {
    const { replica, record } = leader();
    replica.sees({ ...record, resourceVersion: '102' });
    expect(replica.wake().the('update').base.resourceVersion).toBe('102');
  });

  test("of an edit that came before the renewal's answer stays the base of the next one", () => {
    const { replica, renewal } = renewing();
    replica.sees(renewal).sees({ ...renewal, resourceVersion: '103' });
    replica.reply({ kind: 'ok', record: renewal });
    expect(replica.validForMs()).toBe(10_000);
    expect(replica.wake().the('update').base.resourceVersion).toBe('103');
  });

  test('of its deletion ends its tenure; it may create the Lease anew at once, since nobody else was at work', () => {
    const { replica, record } = leader();
    replica.wait(1_000).send({ kind: 'deleted', record: { ...record, resourceVersion: '102' } });
    expect(replica.the('stop-work').reason).toBe('lease-deleted');
    expect(replica.wakeInMs()).toBeNull();
    replica.send({ kind: 'work-stopped' });
    expect(replica.wakeInMs()).toBe(0);
    expect(replica.tick().kinds()).toEqual(['create']);
  });

  test('of its absence in a listing ends its tenure, and a whole duration is waited out', () => {
    const { replica } = leader();
    replica.send({ kind: 'absent', resourceVersion: '102' }).send({ kind: 'work-stopped' });
    expect(replica.findNothing().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(15_000);
  });

  test('of a wish for another holder makes it hand over', () => {
    const { replica, record } = leader();
    replica.sees({ ...record, resourceVersion: '102', preferredHolder: OTHER });
    expect(replica.the('stop-work')).toMatchObject({ graceful: true, reason: 'preferred-holder' });
    expect(replica.leads).toBe(true);
  });

  test('of a wish for itself is no reason to stop', () => {
    const { replica, record } = leader();
    expect(replica.sees({ ...record, resourceVersion: '102', preferredHolder: ME }).kinds()).toEqual([]);
  });
});

describe('a renewal answered after its tenure ended', () => {
  test('revives nothing, but shows that the Lease is still ours to claim', () => {
    const { replica, renewal } = renewing();
    replica.wait(8_000).tick().reply({ kind: 'ok', record: renewal });
    expect(replica.leads).toBe(false);
    replica.send({ kind: 'work-stopped' }).tick();
    // Whoever asks within a retry period sees that the term is over.
    expect(replica.kinds()).toEqual([]);
    replica.wait(2_000).tick();
    expect(replica.the('update').base.resourceVersion).toBe('102');
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '103') });
    expect(replica.state.tenure).toMatchObject({ fencingToken: '103', transitions: 4 });
  });

  test('is no news when the watch has shown the next holder since', () => {
    const { replica, renewal } = renewing();
    replica
      .sees(renewal)
      .sees(lease({ resourceVersion: '103' }))
      .reply({ kind: 'ok', record: renewal });
    expect(replica.state.sighting).toMatchObject({ record: { holder: OTHER, resourceVersion: '103' } });
  });

  test('by a conflict is looked into', () => {
    const { replica } = renewing();
    replica.wait(8_000).tick().reply(CONFLICT).send({ kind: 'work-stopped' });
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });
});

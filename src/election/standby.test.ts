import { describe, expect, test } from 'vitest';
import {
  CONFLICT,
  Driver,
  leader,
  lease,
  ME,
  OTHER,
  REFUSED,
  standby,
  stored,
  UNKNOWN,
  unled,
} from './driver.fixture.ts';
import { nextWake } from './index.ts';

const RELEASED = lease({ resourceVersion: '110', holder: '', leaseDurationMs: 1_000, renewTime: 'released' });

describe('a standby', () => {
  test('does nothing before it knows anything', () => {
    const replica = new Driver();
    expect(replica.wakeInMs()).toBeNull();
    expect(replica.tick().effects).toEqual([]);
  });

  test('claims at the exact moment at which the record expires by its own clock, not before', () => {
    const replica = standby();
    expect(replica.wakeInMs()).toBe(15_000);
    expect(replica.wait(14_999).tick().kinds()).toEqual([]);
    expect(replica.wait(1).tick().the('update')).toMatchObject({
      base: { uid: 'lease-1', resourceVersion: '100' },
      content: { holder: ME, transitions: 4 },
      timeoutMs: 5_000,
    });
  });

  test('starts its timer anew with each renewal it sees', () => {
    const replica = standby()
      .wait(10_000)
      .sees(lease({ resourceVersion: '101', renewTime: 'next' }));
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('lets its timer run on when only a label changed, and claims under the newer version', () => {
    const replica = standby()
      .wait(10_000)
      .sees(lease({ resourceVersion: '101' }));
    expect(replica.wakeInMs()).toBe(5_000);
    expect(replica.wake().the('update').base.resourceVersion).toBe('101');
  });

  test('waits for the duration that the record says, not its own', () => {
    expect(standby(lease({ leaseDurationMs: 60_000 })).wakeInMs()).toBe(60_000);
  });

  test('takes its own duration when the record has none', () => {
    expect(standby(lease({ leaseDurationMs: 0 })).wakeInMs()).toBe(15_000);
  });

  test('claims a released Lease at the next tick, with a jitter of 20 ms', () => {
    const replica = standby().wait(3_000).sees(RELEASED);
    expect(replica.kinds()).toEqual([]);
    expect(nextWake(replica.state)).toEqual({ atMonoMs: 3_000, jitterMsMax: 20 });
    expect(replica.tick().the('update').base.resourceVersion).toBe('110');
  });

  test('spreads the claims to an expired or missing Lease over 50 ms', () => {
    expect(nextWake(standby().state)).toEqual({ atMonoMs: 15_000, jitterMsMax: 50 });
    const replica = unled();
    for (let looks = 0; looks < 7; looks++) replica.wake().reply({ kind: 'absent' });
    expect(nextWake(replica.state)).toEqual({ atMonoMs: 15_000, jitterMsMax: 50 });
  });

  test('leads from an acknowledged claim on, under the version that it was written as', () => {
    const replica = standby(RELEASED).tick();
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '111') });
    expect(replica.the('started')).toEqual({ kind: 'started', fencingToken: '111' });
    expect(replica.state.tenure).toMatchObject({ leaseUid: 'lease-1', fencingToken: '111', transitions: 4 });
  });

  test("knows the term by what it wrote when the server's answer leaves it out", () => {
    const replica = standby(RELEASED).tick();
    const { content } = replica.the('update');
    replica.reply({ kind: 'ok', record: { ...stored(content, '111'), acquireTime: null } });
    expect(replica.state.tenure?.acquireTime).toBe(content.acquireTime);
  });

  test('takes over from an earlier process of its own pod at once, under one more transition', () => {
    const replica = standby(lease({ holder: 'a_uid-a_0' }));
    expect(nextWake(replica.state)).toEqual({ atMonoMs: 0, jitterMsMax: 0 });
    expect(replica.tick().the('update').content).toMatchObject({ holder: ME, transitions: 4 });
  });

  test('acquires again at once what a claim won whose answer was lost: a new token, unchanged transitions', () => {
    const replica = standby(RELEASED).tick();
    const lost = stored(replica.the('update').content, '111');
    const { content } = replica.reply(UNKNOWN).sees(lost).wake().the('update');
    expect(content).toMatchObject({ holder: ME, transitions: lost.transitions });
    replica.reply({ kind: 'ok', record: stored(content, '112') });
    expect(replica.state.tenure).toMatchObject({ fencingToken: '112', transitions: lost.transitions });
  });

  test('waits out a record under its own name that another process wrote', () => {
    const replica = standby(lease({ holder: ME }));
    expect(replica.tick().kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBe(15_000);
    expect(replica.wait(15_000).tick().the('update').content).toMatchObject({ holder: ME, transitions: 3 });
  });

  test('asks once at a time', () => {
    const replica = standby(RELEASED).tick();
    expect(replica.tick().effects).toEqual([]);
    expect(replica.wakeInMs()).toBeNull();
  });

  test('ignores the answer to a request that it gave up, and answers to none', () => {
    const replica = standby(RELEASED);
    const before = replica.state;
    replica.send({ kind: 'replied', requestId: 7, outcome: CONFLICT });
    expect(replica.state).toEqual(before);
    replica.tick().send({ kind: 'replied', requestId: 7, outcome: { kind: 'ok', record: lease() } });
    expect(replica.leads).toBe(false);
    expect(replica.state.pending).not.toBeNull();
  });
});

describe('a lost race', () => {
  test('is left alone until the watch says more', () => {
    const replica = standby(RELEASED).tick().reply(CONFLICT);
    expect(replica.reports()).toEqual(['race-lost']);
    expect(replica.kinds()).toEqual([]);
    replica.wait(50).sees(lease({ resourceVersion: '111', renewTime: 'won' }));
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('is looked into by a read when the watch stays silent for a retry period', () => {
    const replica = standby(RELEASED).tick().reply(CONFLICT);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('is looked into at once where nothing watches', () => {
    const replica = standby(RELEASED).watching(false).tick();
    replica.reply({ kind: 'ok', record: RELEASED }).tick().reply(CONFLICT);
    expect(replica.wakeInMs()).toBe(0);
    expect(replica.tick().kinds()).toEqual(['read']);
  });

  test('that the watch told of before the answer came is not asked about again', () => {
    const replica = standby(RELEASED)
      .tick()
      .sees(lease({ resourceVersion: '111', renewTime: 'won' }))
      .reply(CONFLICT);
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('is still looked into after a listing that showed the outdated version again', () => {
    const replica = standby(RELEASED).tick().reply(CONFLICT).wait(500).sees(RELEASED, 'list').watching(true);
    expect(replica.wakeInMs()).toBe(1_500);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('against a creation that the watch told of keeps what it told', () => {
    const replica = standby().send({ kind: 'deleted', record: RELEASED }).tick();
    expect(replica.kinds()).toEqual(['create']);
    replica.sees(lease({ uid: 'lease-2', resourceVersion: '112' })).reply(CONFLICT);
    expect(replica.state.sighting).toMatchObject({ kind: 'present', record: { holder: OTHER } });
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('against a deletion that the watch told of keeps what it told: the wait for its holder is not begun anew', () => {
    const replica = standby(RELEASED)
      .tick()
      .send({ kind: 'deleted', record: lease({ resourceVersion: '112' }) });
    replica.reply(CONFLICT);
    expect(replica.state.sighting).toMatchObject({ kind: 'absent', claimableAtMonoMs: 15_000 });
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.findNothing().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(15_000);
  });

  test('answered by a read that still shows the outdated version is tried again after a pause, not in a tight loop', () => {
    const replica = standby(RELEASED).tick().reply(CONFLICT).wake();
    replica.reply({ kind: 'ok', record: RELEASED });
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['update']);
  });
});

describe('a claim whose fate is unknown', () => {
  test('is followed by a read after a retry period, spread as client-go does', () => {
    const replica = standby(RELEASED).tick().wait(5_000).reply(UNKNOWN);
    expect(replica.reports()).toEqual(['attempt-failed']);
    expect(nextWake(replica.state)).toEqual({ atMonoMs: 7_000, jitterMsMax: 2_400 });
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('and that was written after all is no tenure: it is claimed once more, from a new request', () => {
    const replica = standby(RELEASED).tick();
    const written = stored(replica.the('update').content, '111');
    replica.wait(5_000).reply(UNKNOWN).wake().reply({ kind: 'ok', record: written });
    expect(replica.leads).toBe(false);
    expect(replica.tick().the('update').base.resourceVersion).toBe('111');
  });

  test('and that was not written keeps the timer that it had', () => {
    const replica = standby().wake().wait(5_000).reply(UNKNOWN).wake();
    replica.reply({ kind: 'ok', record: lease() });
    expect(replica.wakeInMs()).toBe(0);
  });
});

describe('a claim that was refused', () => {
  test('is repeated after a retry period', () => {
    const replica = standby(RELEASED).tick().reply(REFUSED);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['update']);
  });

  test('heeds Retry-After', () => {
    const replica = standby(RELEASED).tick();
    replica.reply({ kind: 'refused', code: 'throttled', retryAfterMs: 7_000 });
    expect(replica.wait(6_999).tick().kinds()).toEqual([]);
    expect(replica.wait(1).tick().kinds()).toEqual(['update']);
  });

  test('because the Lease was not found waits as well: nothing is asked in a tight loop', () => {
    const replica = unled().findNothing();
    replica.reply({ kind: 'absent' });
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
    expect(replica.reply({ kind: 'absent' }).wake().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(17_000);
    expect(replica.reply({ kind: 'absent' }).wakeInMs()).toBe(2_000);
  });
});

describe('an answer that comes too late', () => {
  test('gives no tenure past the deadline: the Lease is claimed anew', () => {
    const replica = standby(RELEASED).tick();
    const record = stored(replica.the('update').content, '111');
    replica.wait(10_000).reply({ kind: 'ok', record });
    expect(replica.leads).toBe(false);
    expect(replica.tick().the('update').base.resourceVersion).toBe('111');
  });

  test('gives no tenure after a clock jump that came between', () => {
    const replica = standby(RELEASED).tick();
    const record = stored(replica.the('update').content, '111');
    replica.wallAheadMs += 5_000;
    expect(replica.reply({ kind: 'ok', record }).leads).toBe(false);
  });

  test('gives no tenure when the watch has shown another holder since', () => {
    const replica = standby(RELEASED).tick();
    const record = stored(replica.the('update').content, '111');
    replica.sees(lease({ resourceVersion: '112' })).reply({ kind: 'ok', record });
    expect(replica.leads).toBe(false);
    expect(replica.state.sighting).toMatchObject({ record: { resourceVersion: '112' } });
  });

  test('gives no tenure when the watch has shown the deletion of what was created', () => {
    const replica = unled().findNothing();
    const record = stored(replica.the('create').content, '10', 'lease-2');
    replica.sees(record).send({ kind: 'deleted', record: { ...record, resourceVersion: '11' } });
    replica.reply({ kind: 'ok', record });
    expect(replica.leads).toBe(false);
    expect(replica.state.sighting.kind).toBe('absent');
  });
});

describe('a missing Lease', () => {
  test('found by the first listing is created after a whole duration: its last holder may still be at work', () => {
    const replica = new Driver().send({ kind: 'absent', resourceVersion: '9' });
    expect(replica.effects).toEqual([{ kind: 'report', report: { kind: 'absent', waitMs: 15_000 } }]);
    replica.watching(true);
    for (let looks = 0; looks < 7; looks++) expect(replica.wake().reply({ kind: 'absent' }).kinds()).toEqual([]);
    expect(replica.wait(999).tick().kinds()).toEqual([]);
    expect(replica.nowMs).toBe(14_999);
    expect(replica.wait(1).tick().the('create').content).toMatchObject({ holder: ME, transitions: 0 });
  });

  test('found by a read waits a whole duration from then, once: repeated findings do not start it anew', () => {
    const replica = standby().wait(14_000).watching(false).tick().reply({ kind: 'absent' });
    expect(replica.reports()).toEqual(['reachable', 'absent']);
    for (let reads = 0; reads < 7; reads++) {
      replica.wake().reply({ kind: 'absent' });
      expect(replica.reports()).toEqual(['reachable']);
    }
    replica.send({ kind: 'absent', resourceVersion: '120' });
    expect(replica.nowMs).toBe(28_000);
    expect(replica.wakeInMs()).toBe(1_000);
    expect(replica.wake().kinds()).toEqual(['create']);
  });

  test("that had a longer duration than ours keeps it: its holder's word counts", () => {
    const replica = standby(lease({ leaseDurationMs: 60_000 })).send({ kind: 'absent', resourceVersion: '120' });
    expect(replica.findNothing().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(60_000);
  });

  test('that the watch saw go is created when the rest of its duration is over', () => {
    const replica = standby()
      .wait(9_000)
      .send({ kind: 'deleted', record: lease({ resourceVersion: '101' }) });
    expect(replica.effects).toEqual([{ kind: 'report', report: { kind: 'absent', waitMs: 6_000 } }]);
    expect(replica.findNothing().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(15_000);
  });

  test('that was free when it was deleted is created at once', () => {
    const replica = standby().send({ kind: 'deleted', record: RELEASED });
    expect(replica.tick().kinds()).toEqual(['create']);
  });

  test('that the watch saw go before this replica knew of it is waited out whole', () => {
    const replica = new Driver().watching(true).send({ kind: 'deleted', record: lease() });
    expect(replica.findNothing().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(15_000);
  });

  test('is looked for every retry period although the watch is up, until it is there', () => {
    const replica = unled();
    expect(nextWake(replica.state)).toEqual({ atMonoMs: 2_000, jitterMsMax: 400 });
    expect(replica.wake().kinds()).toEqual(['read']);
    expect(replica.reply({ kind: 'absent' }).wakeInMs()).toBe(2_000);
    expect(replica.watching(false).watching(true).wakeInMs()).toBe(0);
    replica.wake().reply({ kind: 'absent' }).sees(lease());
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('that is looked for again within four retry periods has been waited for all the time', () => {
    const replica = unled().wait(8_500).tick().reply({ kind: 'absent' });
    expect(replica.findNothing().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(15_000);
  });

  const looks: [string, (replica: Driver) => Driver][] = [
    ['a read', (replica) => replica.tick().reply({ kind: 'absent' })],
    ['a listing', (replica) => replica.send({ kind: 'absent', resourceVersion: '12' })],
  ];
  test.each(looks)(
    'that %s finds missing after a longer gap is waited out whole: another may have led in between',
    (_, look) => {
      const replica = look(unled().wait(8_501));
      const reported = replica.effects.flatMap((effect) => (effect.kind === 'report' ? [effect.report] : []));
      expect(replica.kinds()).toEqual([]);
      expect(replica.findNothing().kinds()).toEqual(['create']);
      expect(replica.nowMs).toBe(23_501);
      expect(reported).toContainEqual({ kind: 'absent', waitMs: 15_000 });
    },
  );

  test('is created although a look now and then hangs: each leaves time for another before the wait begins anew', () => {
    const replica = unled().wait(2_000).tick();
    expect(replica.the('read').timeoutMs).toBe(2_000);
    // Hung until its timeout, then the longest pause before the next one.
    replica.wait(2_000).reply({ kind: 'unknown', code: 'timeout' }).wait(4_400).tick().reply({ kind: 'absent' });
    expect(replica.findNothing().kinds()).toEqual(['create']);
    expect(replica.nowMs).toBe(15_000);
  });

  test('is not created after the wait without a look, however long nobody looked', () => {
    const replica = unled().wait(20_000).tick();
    expect(replica.kinds()).toEqual(['read']);
    replica.reply({ kind: 'refused', code: 'throttled', retryAfterMs: 7_000 });
    expect(replica.wakeInMs()).toBe(7_000);
    expect(replica.wake().kinds()).toEqual(['read']);
    replica.reply({ kind: 'absent' });
    expect(replica.state.sighting).toMatchObject({ claimableAtMonoMs: 42_000, confirmedAtMonoMs: 27_000 });
  });

  test('does not come back by what a slow watch tells of the time before', () => {
    const replica = standby().send({ kind: 'deleted', record: lease({ resourceVersion: '105' }) });
    const before = replica.state;
    expect(replica.sees(lease({ resourceVersion: '104' })).state).toEqual(before);
    expect(replica.send({ kind: 'deleted', record: lease({ resourceVersion: '103' }) }).state).toEqual(before);
  });

  test('is forgotten when somebody created it', () => {
    const replica = standby()
      .send({ kind: 'deleted', record: lease({ resourceVersion: '105' }) })
      .wait(1_000);
    replica.sees(lease({ uid: 'lease-2', resourceVersion: '106', renewTime: 'new' }));
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('that another replica created first is read: one POST wins', () => {
    const replica = unled().findNothing();
    replica.reply(CONFLICT);
    expect(replica.reports()).toEqual(['race-lost']);
    expect(replica.wakeInMs()).toBe(2_000);
    replica.wake().reply({ kind: 'ok', record: lease({ uid: 'lease-2' }) });
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('whose creation may or may not have happened is read, and taken when it was ours', () => {
    const replica = unled().findNothing();
    const created = stored(replica.the('create').content, '10', 'lease-2');
    replica.reply(UNKNOWN).wake().reply({ kind: 'ok', record: created });
    expect(replica.tick().the('update').base).toMatchObject({ uid: 'lease-2', resourceVersion: '10' });
  });
});

describe('without a watch', () => {
  test('the Lease is read at once, then every retry period', () => {
    const replica = standby().wait(1_000).watching(false);
    expect(nextWake(replica.state)).toEqual({ atMonoMs: 1_000, jitterMsMax: 400 });
    expect(replica.tick().the('read').timeoutMs).toBe(5_000);
    replica.reply({ kind: 'ok', record: lease() });
    expect(replica.wakeInMs()).toBe(2_000);
  });

  test('the timer runs on over reads that show the same renewal', () => {
    const replica = standby().watching(false);
    for (let seconds = 0; seconds < 14; seconds += 2) replica.wake().reply({ kind: 'ok', record: lease() });
    replica.wake().reply({ kind: 'ok', record: lease() });
    expect(replica.nowMs).toBe(14_000);
    expect(replica.wakeInMs()).toBe(1_000);
    expect(replica.wake().kinds()).toEqual(['update']);
  });

  test('a failed read is repeated after a retry period', () => {
    const replica = standby().watching(false).tick().reply(REFUSED);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('polling ends when the watch is back', () => {
    const replica = standby().watching(false).watching(true);
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('what is in doubt is still read when the watch is back', () => {
    const replica = standby(RELEASED).tick().reply(UNKNOWN).watching(false).watching(true);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
    const nothing = standby().send({ kind: 'deleted', record: RELEASED }).tick().reply(CONFLICT).watching(true);
    expect(nothing.wake().kinds()).toEqual(['read']);
  });
});

describe('the watch', () => {
  test('that lags behind is not believed', () => {
    const replica = standby(lease({ resourceVersion: '120' }));
    const before = replica.state;
    expect(replica.sees(RELEASED).state).toEqual(before);
  });

  test('is begun anew when a read shows what it should have told long before', () => {
    const replica = standby().wake().reply(CONFLICT).wake();
    replica.reply({ kind: 'ok', record: lease({ resourceVersion: '107', renewTime: 'newer' }) });
    expect(replica.reports()).toEqual(['reachable', 'watch-lagging']);
  });

  test('is begun anew when a read shows a Lease that it has told nobody created', () => {
    const replica = standby().send({ kind: 'deleted', record: RELEASED }).tick().reply(UNKNOWN).wake();
    replica.reply({ kind: 'ok', record: lease({ resourceVersion: '120' }) });
    expect(replica.reports()).toEqual(['reachable', 'watch-lagging']);
  });

  test('is left alone when a read shows nothing new', () => {
    const replica = standby().wake().reply(UNKNOWN).wake().reply({ kind: 'ok', record: lease() });
    expect(replica.reports()).toEqual(['reachable']);
  });
});

describe('a record from the past, as after a restore of etcd', () => {
  const PAST = { ...RELEASED, resourceVersion: '90' };

  test('is claimed only when the claim of whoever held the last known one is over, even if it is free', () => {
    const replica = standby(lease({ leaseDurationMs: 20_000 }))
      .sees(PAST, 'list')
      .findUnchanged();
    expect(replica.the('update').content).toMatchObject({ holder: ME });
    expect(replica.nowMs).toBe(20_000);
  });

  test('is not claimed at once either when it is our own', () => {
    const replica = standby(RELEASED).tick();
    const own = stored(replica.the('update').content, '111');
    replica
      .reply(UNKNOWN)
      .sees(own)
      .sees(lease({ resourceVersion: '120' }))
      .sees(own, 'list')
      .findUnchanged();
    expect(replica.the('update').content).toMatchObject({ holder: ME });
    expect(replica.nowMs).toBe(15_000);
  });

  test('is waited for once, not anew with each version that follows in the restored store', () => {
    const replica = standby(lease()).sees(PAST, 'list').wait(1_000);
    replica.sees({ ...PAST, resourceVersion: '91' }).findUnchanged();
    expect(replica.the('update').base?.resourceVersion).toBe('91');
    expect(replica.nowMs).toBe(15_000);
  });

  test('is waited for anew when the store goes back once more', () => {
    const replica = standby(lease()).sees(PAST, 'list').wait(1_000);
    replica.sees({ ...PAST, resourceVersion: '80' }, 'list').findUnchanged();
    expect(replica.kinds()).toEqual(['update']);
    expect(replica.nowMs).toBe(16_000);
  });

  test('was a stale read when the known version is seen again: what is free is taken at once', () => {
    const free = { ...RELEASED, resourceVersion: '120' };
    const replica = standby(free).sees(lease({ resourceVersion: '110' }), 'list');
    expect(replica.tick().kinds()).toEqual([]);
    expect(replica.sees(free, 'list').tick().kinds()).toEqual(['update']);
  });

  test('is read again every retry period, since the watch does not tell again what it told', () => {
    const replica = standby(lease()).sees(PAST, 'list').watching(true);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('is watched like any other when the wait is over', () => {
    const replica = standby(lease()).sees(PAST, 'list').watching(true).wait(15_000);
    replica.sees(lease({ resourceVersion: '92', renewTime: 'after the restore' }));
    expect(replica.wakeInMs()).toBe(15_000);
  });
});

describe('a Lease that was deleted and made anew, free, as whoever applies its manifest does', () => {
  const ANEW = lease({ uid: 'lease-2', resourceVersion: '121', holder: '', leaseDurationMs: 0, renewTime: null });
  const GONE = lease({ resourceVersion: '120' });

  test('is claimed only when the claim of whoever held the one before is over', () => {
    const replica = standby().wait(1_000).send({ kind: 'deleted', record: GONE }).sees(ANEW);
    expect(replica.tick().kinds()).toEqual([]);
    expect(replica.wait(13_999).tick().kinds()).toEqual([]);
    expect(replica.wait(1).tick().the('update').base.uid).toBe('lease-2');
  });

  test('is waited for a whole duration when its deletion was not seen', () => {
    const replica = standby(lease({ leaseDurationMs: 20_000 }))
      .wait(4_000)
      .sees(ANEW, 'list');
    expect(replica.wakeInMs()).toBe(20_000);
  });

  test('is claimed at once by whoever held the one before', () => {
    const { replica, record } = leader();
    replica.wait(1_000).send({ kind: 'deleted', record: { ...record, resourceVersion: '120' } });
    replica.sees(ANEW).send({ kind: 'work-stopped' });
    expect(replica.tick().kinds()).toEqual(['update']);
  });

  test('does not begin the wait anew with what is written into it', () => {
    const replica = standby().wait(1_000).send({ kind: 'deleted', record: GONE }).sees(ANEW).wait(5_000);
    expect(replica.sees({ ...ANEW, resourceVersion: '122' }).wakeInMs()).toBe(9_000);
  });
});

test('a Lease of the past that goes missing is waited for no less than the claim that was known', () => {
  const replica = standby(lease({ leaseDurationMs: 60_000 })).sees({ ...RELEASED, resourceVersion: '90' }, 'list');
  replica.wait(1_000).send({ kind: 'absent', resourceVersion: '91' });
  expect(replica.findNothing().kinds()).toEqual(['create']);
  expect(replica.nowMs).toBe(60_000);
});

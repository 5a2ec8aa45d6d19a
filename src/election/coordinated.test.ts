import { describe, expect, test } from 'vitest';
import { CONFLICT, Driver, lease, ME, OTHER, REFUSED, stored, UNKNOWN } from './driver.fixture.ts';
import type { ElectionEvent, LeaseRecord } from './index.ts';
import { standsAtMonoMs, viewOf } from './index.ts';

const COORDINATED = { coordinated: true } as const;
const FREE = lease({ holder: '', renewTime: null, acquireTime: null });
const STEP_DOWN = { kind: 'step-down' } as const;
const WORK_STOPPED = { kind: 'work-stopped' } as const;

/** As the controller writes it: this replica is named, for five seconds, and nothing is said of a term. */
function named(fields: Partial<LeaseRecord> = {}): LeaseRecord {
  return lease({
    resourceVersion: '110',
    holder: ME,
    leaseDurationMs: 5_000,
    renewTime: '2026-01-01T00:01:00.000000Z',
    acquireTime: null,
    ...fields,
  });
}

/** A standby that watches since 0; `record` is what it saw first. */
function watcher(record: LeaseRecord = FREE): Driver {
  return new Driver(COORDINATED).sees(record, 'list').watching(true);
}

/** A standby that has watched for long, and has just seen the leader's renewal. */
function besideLeader(): Driver {
  const before = lease({ resourceVersion: '90', renewTime: '2025-12-31T23:59:00.000000Z' });
  return watcher(before).wait(20_000).sees(lease());
}

/** A leader since 0, that was named when the Lease was free; `record` is what the store holds. */
function leading(): { replica: Driver; record: LeaseRecord } {
  const replica = watcher().sees(named()).tick();
  const record = stored(replica.the('update').content, '111');
  replica.reply({ kind: 'ok', record });
  return { replica, record };
}

const candidate = (replica: Driver) => standsAtMonoMs(replica.state) <= replica.nowMs;

describe('in a coordinated election a replica', () => {
  test('never takes a Lease that is free, expired or missing', () => {
    for (const record of [FREE, lease()]) {
      const replica = watcher(record);
      for (let looks = 0; looks < 20; looks += 1) {
        expect(replica.wake().kinds()).toEqual(['read']);
        replica.reply({ kind: 'ok', record });
      }
    }
    const missing = new Driver(COORDINATED).send({ kind: 'absent', resourceVersion: '9' }).watching(true);
    for (let looks = 0; looks < 20; looks += 1) {
      expect(missing.wake().kinds()).toEqual(['read']);
      missing.reply({ kind: 'absent' });
    }
  });

  test('asks nothing while somebody renews, and looks for itself at what has run out, ever more seldom', () => {
    const replica = watcher(lease());
    for (let second = 2; second < 60; second += 2) {
      const renewTime = `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000Z`;
      replica.wait(2_000).sees(lease({ resourceVersion: String(200 + second), renewTime }));
      expect(replica.tick().effects).toEqual([]);
    }
    // Its watch may be deaf: it may have been named, and the controller leaves an expired Lease to the best candidate.
    expect(replica.wakeInMs()).toBe(15_000);
    const waits: (number | null)[] = [];
    for (let looks = 0; looks < 7; looks += 1) {
      const { sighting } = replica.wake().state;
      expect(replica.kinds()).toEqual(['read']);
      if (sighting.kind === 'present') replica.reply({ kind: 'ok', record: sighting.record });
      waits.push(replica.wakeInMs());
    }
    expect(waits).toEqual([2_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('claims at once the free Lease in which it is named, by one write over exactly that version', () => {
    const replica = watcher().sees(named());
    expect(replica.wakeInMs()).toBe(0);
    replica.tick();
    expect(replica.the('update')).toMatchObject({
      base: { resourceVersion: '110' },
      content: { holder: ME, leaseDurationSeconds: 15, transitions: 3 },
    });
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '111') });
    expect(replica.the('started')).toEqual({ kind: 'started', fencingToken: '111' });
  });

  test('waits until the former holder has stopped, since the controller judges by wall clocks', () => {
    const replica = besideLeader();
    replica.wait(4_000).sees(named());
    expect(replica.wakeInMs()).toBe(11_000);
    // The controller leaves the Lease alone as long as the best candidate is named in it, expired or not.
    expect(replica.wake().the('update').base.resourceVersion).toBe('110');
  });

  test('waits for every former holder, not only for the last', () => {
    const replica = besideLeader();
    const another = { holder: 'c_uid-c_1', leaseDurationMs: 5_000, acquireTime: null };
    replica.wait(1_000).sees(lease({ ...another, resourceVersion: '105' }));
    replica.wait(1_000).sees(named());
    expect(replica.wakeInMs()).toBe(13_000);
  });

  test('waits a lease duration where it could have missed who led before', () => {
    expect(watcher(named()).wakeInMs()).toBe(15_000);
    const blind = watcher(lease()).wait(30_000).watching(false).tick();
    blind.reply({ kind: 'ok', record: named() });
    expect(blind.wait(14_999).tick().kinds()).not.toContain('update');
    blind.reply({ kind: 'ok', record: named() });
    expect(blind.wait(1).tick().kinds()).toContain('update');
    // A holder with a longer duration leads for longer.
    const slow = watcher(lease({ leaseDurationMs: 40_000 })).sees(named(), 'list');
    expect(slow.wakeInMs()).toBe(40_000);
  });

  test('waits for nobody after a release: whoever wrote that has waited for all', () => {
    const late = watcher(lease())
      .wait(1_000)
      .sees({ ...FREE, resourceVersion: '105' });
    expect(late.sees(named()).wakeInMs()).toBe(0);
    const made = new Driver(COORDINATED).send({ kind: 'absent', resourceVersion: '9' }).watching(true);
    expect(
      made
        .sees({ ...FREE, uid: 'lease-2' })
        .sees(named({ uid: 'lease-2' }))
        .wakeInMs(),
    ).toBe(15_000);
  });

  test('waits as for a deleted Lease before it claims one that was made anew', () => {
    const replica = new Driver(COORDINATED).send({ kind: 'absent', resourceVersion: '9' }).watching(true);
    replica.wait(1_000).sees(named({ uid: 'lease-2' }));
    expect(replica.wakeInMs()).toBe(14_000);
  });

  test('is not named any more when another one is before it could claim', () => {
    const replica = besideLeader().wait(4_000).sees(named());
    replica.sees(lease({ resourceVersion: '120', holder: 'c_uid-c_1', acquireTime: null }));
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('does not claim over what the controller wrote meanwhile', () => {
    const replica = watcher().sees(named()).tick();
    replica.reply(CONFLICT);
    expect(replica.leads).toBe(false);
    replica.sees(named({ resourceVersion: '112', preferredHolder: OTHER }));
    expect(replica.all('update')).toMatchObject([{ content: { holder: '' } }]);
  });

  test('asks no holder to give way', () => {
    const replica = new Driver({ ...COORDINATED, candidacy: { ...watcher().state.config.candidacy, preempt: true } });
    replica.sees(lease({ holderPriority: 1 }), 'list').watching(true);
    expect(replica.wait(100_000).tick().kinds()).toEqual(['read']);
  });

  test('renews as any leader does, and keeps the term', () => {
    const { replica, record } = leading();
    expect(replica.wake().the('update')).toMatchObject({
      base: { resourceVersion: '111' },
      content: { acquireTime: record.acquireTime, transitions: 3 },
    });
  });

  test('hands over in order when another one is preferred', () => {
    const { replica, record } = leading();
    replica.sees({ ...record, resourceVersion: '112', preferredHolder: OTHER });
    expect(replica.kinds()).toEqual(['stop-work']);
    expect(replica.the('stop-work')).toMatchObject({ graceful: true, reason: 'preferred-holder' });
    replica.send(WORK_STOPPED);
    expect(replica.the('update')).toMatchObject({ base: { resourceVersion: '112' }, content: { holder: '' } });
  });

  test('loses at once to another holder', () => {
    const { replica } = leading();
    replica.sees(lease({ resourceVersion: '112', acquireTime: null }));
    expect(replica.the('stop-work')).toMatchObject({ graceful: false, reason: 'taken-over' });
    expect(replica.leads).toBe(false);
  });

  test('takes its own expired Lease back, which the controller would leave as it is', () => {
    const { replica } = leading();
    replica.watching(false);
    replica.wait(10_000).tick().send(WORK_STOPPED);
    expect(replica.leads).toBe(false);
    expect(replica.findUnchanged().the('update').content.holder).toBe(ME);
  });

  test('frees the Lease that names it while another one is preferred, as soon as it could have claimed it', () => {
    const replica = besideLeader();
    replica.wait(4_000).sees(named({ preferredHolder: 'c_uid-c_1' }));
    expect(replica.wakeInMs()).toBe(11_000);
    expect(replica.wake().the('update').content.holder).toBe('');
    replica.reply(REFUSED);
    expect(replica.wake().kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record: named({ preferredHolder: 'c_uid-c_1' }) });
    expect(replica.all('update')).toHaveLength(1);
  });

  test.each([{ kind: 'pause' }, { kind: 'eligible', value: false }] as const)(
    'frees it no sooner, whatever release has begun before ($kind)',
    (bar) => {
      const replica = watcher().sees(named()).tick().watching(false);
      replica.reply(UNKNOWN);
      replica.send(bar);
      while (replica.state.pending === null) replica.wake();
      expect(replica.state.releaseByMonoMs).not.toBeNull();
      // Meanwhile another one led, and was displaced by wall clocks while it was still at work.
      const record = named({
        resourceVersion: '200',
        preferredHolder: 'c_uid-c_1',
        renewTime: '2026-01-01T00:02:00.000000Z',
      });
      replica.reply({ kind: 'ok', record });
      expect(replica.kinds()).not.toContain('update');
      replica.watching(true);
      expect(replica.wakeInMs()).toBe(15_000);
      expect(replica.wake().the('update').content.holder).toBe('');
    },
  );

  test('tells nobody of a leader that has not claimed yet', () => {
    const replica = besideLeader();
    expect(viewOf(replica.state).holder?.identity).toBe(OTHER);
    replica.sees(named({ resourceVersion: '120', holder: 'c_uid-c_1' }));
    expect(viewOf(replica.state)).toMatchObject({ holder: null, term: null });
    const claimed = lease({ resourceVersion: '121', holder: 'c_uid-c_1', leaseDurationMs: 15_000 });
    expect(viewOf(replica.sees(claimed).state).holder?.identity).toBe('c_uid-c_1');
    // A leader of client-go's keeps what the controller has written, but for the duration.
    const foreign = lease({ resourceVersion: '122', holder: 'c_uid-c_1', acquireTime: null });
    expect(viewOf(replica.sees(foreign).state).holder?.identity).toBe('c_uid-c_1');
  });

  test('names an empty holder in a Lease that has none at all, before it stands as a candidate', () => {
    const replica = new Driver(COORDINATED).sees({ ...FREE, holderUnset: true }, 'list');
    expect(candidate(replica)).toBe(false);
    expect(replica.the('update')).toMatchObject({ base: { resourceVersion: '100' }, content: { holder: '' } });
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '101') });
    expect(candidate(replica)).toBe(true);
    expect(replica.watching(true).wake().kinds()).toEqual(['read']);
    const paused = new Driver(COORDINATED).send({ kind: 'pause' }).sees({ ...FREE, holderUnset: true }, 'list');
    expect(paused.effects).toEqual([]);
  });

  test('frees nothing that it has not claimed when it ends', () => {
    const replica = watcher(lease())
      .sees(named({ preferredHolder: OTHER }))
      .send({ kind: 'stop' });
    expect(replica.kinds()).toEqual(['finished']);
  });
});

describe('a replica is a candidate', () => {
  test('in a coordinated election only, and from the first sight of the Lease on', () => {
    expect(candidate(new Driver().sees(FREE, 'list'))).toBe(false);
    const replica = new Driver(COORDINATED);
    expect(candidate(replica)).toBe(false);
    expect(candidate(replica.sees(lease(), 'list'))).toBe(true);
    expect(candidate(new Driver(COORDINATED).send({ kind: 'absent', resourceVersion: '9' }))).toBe(true);
  });

  const bars: [ElectionEvent, ElectionEvent | null][] = [
    [{ kind: 'pause' }, { kind: 'resume' }],
    [
      { kind: 'eligible', value: false },
      { kind: 'eligible', value: true },
    ],
    [{ kind: 'stop' }, null],
  ];
  test.each(bars)('until it must not lead: $kind', (bar, end) => {
    const { replica } = leading();
    expect(candidate(replica)).toBe(true);
    // Before the Lease is released: the controller would choose it again.
    expect(candidate(replica.send(bar))).toBe(false);
    replica.send(WORK_STOPPED).reply({ kind: 'ok', record: { ...FREE, resourceVersion: '112' } });
    expect(candidate(replica)).toBe(false);
    if (end !== null) expect(candidate(replica.send(end))).toBe(true);
  });

  test('anew after it gave way to another, as the youngest of all', () => {
    const { replica, record } = leading();
    replica.sees({ ...record, resourceVersion: '112', preferredHolder: OTHER });
    expect(candidate(replica)).toBe(false);
    expect(candidate(replica.send(WORK_STOPPED))).toBe(false);
    expect(candidate(replica.reply({ kind: 'ok', record: { ...FREE, resourceVersion: '113' } }))).toBe(true);
  });

  test('as long as it leads, when it is about to end', () => {
    const { replica } = leading();
    expect(candidate(replica.send({ kind: 'retire' }))).toBe(true);
    expect(candidate(watcher().send({ kind: 'retire' }))).toBe(false);
  });

  test('again some time after it stepped down, and claims nothing before', () => {
    const { replica } = leading();
    expect(candidate(replica.send(STEP_DOWN))).toBe(false);
    replica.send(WORK_STOPPED).reply({ kind: 'ok', record: { ...FREE, resourceVersion: '112' } });
    expect(candidate(replica)).toBe(false);
    // Of a candidate that was just withdrawn the controller may not know yet.
    expect(replica.sees(named({ resourceVersion: '113' })).wakeInMs()).toBe(15_000);
    expect(candidate(replica.wait(15_000))).toBe(true);
  });
});

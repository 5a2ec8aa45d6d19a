import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidacy, DEFAULT_CANDIDACY } from './candidacy.ts';
import {
  CONFLICT,
  type Driver,
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
import { candidacyBar, effectivePriority, type LeaseRecord, nextWake } from './index.ts';

const FREE = lease({ holder: '' });
const PREDECESSOR = 'a_uid-a_0';
const STEP_DOWN = { kind: 'step-down' } as const;
const WORK_STOPPED = { kind: 'work-stopped' } as const;
const HEALTHY = { kind: 'eligible', value: true } as const;
const UNHEALTHY = { kind: 'eligible', value: false } as const;

const told = (candidacy: Partial<Candidacy>) => ({ candidacy: { ...DEFAULT_CANDIDACY, ...candidacy } });

/** The store takes the write under way. */
function acknowledge(replica: Driver, resourceVersion: string): LeaseRecord {
  const record = stored(replica.the('update').content, resourceVersion);
  replica.reply({ kind: 'ok', record });
  return record;
}

describe('priority', () => {
  test.each([
    [10, 0],
    [7, 600],
    [0, 2_000],
  ])(
    '%d leaves a free Lease to others for %d ms, a tenth of the retry period for each point less than 10',
    (priority, ms) => {
      const replica = standby(FREE, told({ priority }));
      expect(nextWake(replica.state)).toEqual({ atMonoMs: ms, jitterMsMax: 20 });
      expect(replica.wake().the('update').content.holder).toBe(ME);
    },
  );

  test('leaves an expired and a missing Lease for as long', () => {
    expect(standby(lease(), told({ priority: 5 })).wakeInMs()).toBe(16_000);
    const replica = unled(told({ priority: 5 })).findNothing();
    expect([replica.kinds(), replica.nowMs]).toEqual([['create'], 16_000]);
  });

  test("is no reason to leave our dead predecessor's Lease: nobody else may have it yet", () => {
    expect(standby(lease({ holder: PREDECESSOR }), told({ priority: 0 })).wakeInMs()).toBe(0);
  });

  test('is published by claims and renewals where it is not the highest, and not by a release', () => {
    const { replica } = led(told({ priority: 7 }));
    expect(replica.wake().the('update').content.holderPriority).toBe(7);
    acknowledge(replica, '102');
    expect(replica.send(STEP_DOWN).send(WORK_STOPPED).the('update').content.holderPriority).toBeNull();
    expect(leader().replica.wake().the('update').content.holderPriority).toBeNull();
  });
});

describe('standing back', () => {
  const STAND_BACK = { kind: 'stand-back', value: true } as const;

  test('leaves a free, an expired and a missing Lease to others for two retry periods', () => {
    expect(nextWake(standby(FREE).send(STAND_BACK).state)).toEqual({ atMonoMs: 4_000, jitterMsMax: 20 });
    expect(standby(lease()).send(STAND_BACK).wakeInMs()).toBe(19_000);
    const replica = unled().send(STAND_BACK).findNothing();
    expect([replica.kinds(), replica.nowMs]).toEqual([['create'], 19_000]);
  });

  test('is counted from when the Lease could be claimed: saying it again puts nothing off', () => {
    const replica = standby(FREE);
    for (let ms = 0; ms < 4_000; ms += 500) {
      replica
        .send({ ...STAND_BACK, value: ms % 1_000 === 0 })
        .send(STAND_BACK)
        .wait(500);
    }
    expect(replica.tick().the('update').content.holder).toBe(ME);
  });

  test('whenever it is said and taken back: the Lease is claimed two retry periods after it could be, at the latest', () => {
    const said = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 3_000 }), value: fc.boolean() }));
    fc.assert(
      fc.property(said, fc.constantFrom('', OTHER), fc.integer({ min: 0, max: 10 }), (steps, holder, priority) => {
        const replica = standby(lease({ holder }), told({ priority }));
        const claimed = () => replica.all('update').length > 0;
        const latestMs = (holder === '' ? 0 : 15_000) + (10 - priority) * 200 + 4_000;
        for (const { waitMs, value } of steps) {
          while (!claimed() && replica.wakeInMs()! <= waitMs) replica.wake();
          if (claimed()) break;
          replica.wait(waitMs).send({ ...STAND_BACK, value });
        }
        while (!claimed()) replica.wake();
        expect(replica.nowMs).toBeLessThanOrEqual(latestMs);
      }),
    );
  });

  test('ends when it is taken back', () => {
    const replica = standby(FREE)
      .send(STAND_BACK)
      .wait(100)
      .send({ ...STAND_BACK, value: false });
    expect(replica.tick().the('update').content.holder).toBe(ME);
  });

  test('adds to a turn, and to the time that whoever was named has', () => {
    expect(
      standby(FREE, told({ priority: 5 }))
        .send(STAND_BACK)
        .wakeInMs(),
    ).toBe(5_000);
    expect(
      standby(lease({ holder: '', nextHolder: OTHER }))
        .send(STAND_BACK)
        .wakeInMs(),
    ).toBe(6_000);
  });

  test("says nothing of a Lease that was handed over to this replica, nor of its dead predecessor's", () => {
    expect(
      standby(lease({ holder: '', nextHolder: ME }))
        .send(STAND_BACK)
        .wakeInMs(),
    ).toBe(0);
    expect(
      standby(lease({ holder: PREDECESSOR }))
        .send(STAND_BACK)
        .wakeInMs(),
    ).toBe(0);
  });

  test('gives nothing up that is led', () => {
    const { replica } = leader();
    expect(replica.send(STAND_BACK).kinds()).toEqual([]);
    expect(replica.wake().kinds()).toEqual(['update']);
  });
});

/** A leader that has told its priority, whatever that is, since 0. */
function led(config: ReturnType<typeof told>): { replica: Driver; record: LeaseRecord } {
  const replica = standby(FREE, config).wake();
  const record = acknowledge(replica, '101');
  expect(replica.leads).toBe(true);
  return { replica, record };
}

describe('one that never leads', () => {
  test('claims nothing, whoever died', () => {
    const replica = standby(lease({ holder: PREDECESSOR }), told({ neverLead: true }));
    expect(replica.wait(20_000).tick().kinds()).toEqual([]);
    expect(candidacyBar(replica.state)).toBe('never-lead');
  });

  test('polls where nothing watches, so that it can tell who leads', () => {
    const replica = standby(lease(), told({ neverLead: true })).watching(false);
    expect(replica.tick().kinds()).toEqual(['read']);
  });
});

describe('without a healthy application', () => {
  test('a standby claims nothing, and claims a free Lease as soon as it is healthy', () => {
    const replica = standby(FREE).send(UNHEALTHY);
    expect(replica.wait(10_000).tick().kinds()).toEqual([]);
    expect(candidacyBar(replica.state)).toBe('unhealthy');
    expect(replica.send(HEALTHY).wakeInMs()).toBe(0);
    expect(replica.tick().kinds()).toEqual(['update']);
  });

  test('a leader hands over, says so once, and stays out until it is healthy and the others had their turn', () => {
    const { replica } = leader();
    expect(replica.send(UNHEALTHY).effects).toEqual([{ kind: 'stop-work', graceful: true, reason: 'unhealthy' }]);
    expect(replica.send(UNHEALTHY).effects).toEqual([]);
    replica.send(WORK_STOPPED);
    expect(replica.the('update').content.holder).toBe('');
    acknowledge(replica, '102');
    expect(replica.wait(1_000).tick().kinds()).toEqual([]);
    expect(replica.send(HEALTHY).wakeInMs()).toBe(4_000);
  });

  test('what a claim under way wins is freed at once, and not led', () => {
    const replica = standby(FREE).tick();
    const record = stored(replica.the('update').content, '101');
    replica.send(UNHEALTHY).reply({ kind: 'ok', record });
    expect(replica.leads).toBe(false);
    expect(replica.the('update')).toMatchObject({ base: { resourceVersion: '101' }, content: { holder: '' } });
  });

  test('what is still ours after a loss is freed no sooner than answers given before have lapsed', () => {
    const { replica } = leader();
    replica.wallAheadMs += 3_600_000;
    replica.wait(1_000).tick().send(WORK_STOPPED).send(UNHEALTHY);
    expect(replica.wakeInMs()).toBe(9_000);
    expect(replica.wake().the('update').content.holder).toBe('');
  });

  test('a stop is told apart from it', () => {
    expect(candidacyBar(standby().send(UNHEALTHY).send({ kind: 'stop' }).state)).toBe('stopping');
    expect(candidacyBar(standby().send(UNHEALTHY).send({ kind: 'pause' }).state)).toBe('paused');
    expect(candidacyBar(standby().state)).toBeNull();
  });

  test('a leader that retires leads on, and is no candidate for a next term, whatever it is told', () => {
    const { replica } = leader();
    replica.send({ kind: 'retire' });
    expect([replica.leads, candidacyBar(replica.state)]).toEqual([true, 'stopping']);
    acknowledge(replica.wake(), '103');
    expect(replica.send({ kind: 'step-down' }).the('stop-work').graceful).toBe(true);
    acknowledge(replica.send(WORK_STOPPED), '104');
    replica.send({ kind: 'pause' }).send({ kind: 'resume' }).wait(60_000).tick();
    expect([replica.kinds(), candidacyBar(replica.state)]).toEqual([[], 'stopping']);
  });

  test('a standby that retires does not claim, and a stop is not taken back by it', () => {
    const replica = standby(lease({ holder: '' })).send({ kind: 'retire' });
    expect(replica.wait(60_000).tick().kinds()).toEqual([]);
    expect(candidacyBar(replica.send({ kind: 'stop' }).send({ kind: 'retire' }).state)).toBe('stopping');
    expect(replica.state.finished).toBe(true);
  });
});

describe('one that may lead all the same', () => {
  const anyway = told({ leadUnhealthy: true });

  test('leaves a free Lease to the healthy ones for a renew deadline, and publishes that it is not', () => {
    const replica = standby(FREE, anyway).send(UNHEALTHY);
    expect(effectivePriority(replica.state)).toBe(-1);
    expect(replica.wakeInMs()).toBe(10_000);
    expect(replica.wake().the('update').content).toMatchObject({ holder: ME, holderPriority: -1 });
    acknowledge(replica, '101');
    expect(replica.leads).toBe(true);
  });

  test("leaves our dead predecessor's Lease, too, which others can take then", () => {
    expect(
      standby(lease({ holder: PREDECESSOR }), anyway)
        .send(UNHEALTHY)
        .wakeInMs(),
    ).toBe(10_000);
  });

  test('publishes its recovery with the next renewal, and hands over when it fails again', () => {
    const replica = standby(FREE, anyway).send(UNHEALTHY).wake();
    acknowledge(replica, '101');
    expect(replica.send(HEALTHY).kinds()).toEqual([]);
    expect(replica.wake().the('update').content.holderPriority).toBeNull();
    acknowledge(replica, '102');
    expect(replica.send(UNHEALTHY).the('stop-work')).toMatchObject({ graceful: true, reason: 'unhealthy' });
  });
});

describe('a hand-over to a named replica', () => {
  const TO = { kind: 'step-down', to: OTHER } as const;
  const NAMED = lease({ holder: '', resourceVersion: '110', renewTime: 'released', nextHolder: ME });

  test('names it in the release, and in no later one', () => {
    const { replica } = leader();
    replica.send(TO).send(WORK_STOPPED);
    expect(replica.the('update').content).toMatchObject({ holder: '', nextHolder: OTHER });
    acknowledge(replica, '102');
    acknowledge(replica.wake(), '103');
    expect(replica.leads).toBe(true);
    expect(replica.send(STEP_DOWN).send(WORK_STOPPED).the('update').content.nextHolder).toBe('');
  });

  test('names it also when leadership was lost meanwhile, and the Lease is still ours', () => {
    const { replica } = leader();
    replica.send(TO).wait(10_000).tick().send(WORK_STOPPED);
    expect(replica.the('update').content).toMatchObject({ holder: '', nextHolder: OTHER });
  });

  test('names the first who was named, also when nobody was at its beginning', () => {
    const { replica } = leader();
    replica
      .send(STEP_DOWN)
      .send(TO)
      .send({ ...STEP_DOWN, to: 'c_uid-c_1' });
    expect(replica.send(WORK_STOPPED).the('update').content.nextHolder).toBe(OTHER);
  });

  test('of one that does not lead is nothing', () => {
    expect(standby().send(TO).state.successor).toBeNull();
  });

  test('is taken at once and without jitter by the one that is named, whatever its priority and its turn', () => {
    const replica = standby(lease(), told({ priority: 0 }))
      .wait(3_000)
      .sees(NAMED);
    expect(nextWake(replica.state)).toEqual({ atMonoMs: 3_000, jitterMsMax: 0 });
    expect(replica.tick().the('update').content).toMatchObject({ holder: ME, nextHolder: '' });
    const stepped = leader().replica.send(STEP_DOWN).send(WORK_STOPPED);
    acknowledge(stepped, '102');
    stepped.sees(lease({ resourceVersion: '103' })).sees(NAMED);
    expect(stepped.wakeInMs()).toBe(0);
  });

  test('is taken by the process that follows the named one in its pod', () => {
    expect(standby({ ...NAMED, nextHolder: PREDECESSOR }).wakeInMs()).toBe(0);
  });

  test('is left to the one that is named for a retry period by all others, in the order of their priorities', () => {
    const others = { ...NAMED, nextHolder: OTHER };
    expect(nextWake(standby(others).state)).toEqual({ atMonoMs: 2_000, jitterMsMax: 20 });
    expect(standby(others, told({ priority: 5 })).wakeInMs()).toBe(3_000);
  });

  test('is not taken by a named one that is not healthy', () => {
    expect(standby(NAMED).send(UNHEALTHY).wait(1_000).tick().kinds()).toEqual([]);
    expect(
      standby(NAMED, told({ leadUnhealthy: true }))
        .send(UNHEALTHY)
        .wakeInMs(),
    ).toBe(10_000);
  });
});

describe('a standby of higher priority', () => {
  const preempting = told({ preempt: true });
  const LOWER = lease({ holderPriority: 5 });
  /** The holder renews. */
  const renewed = (version: number, fields: Partial<LeaseRecord> = {}) =>
    lease({ holderPriority: 5, resourceVersion: String(version), renewTime: `renewal ${version}`, ...fields });
  /** Sees the holder renew every two seconds, until it asks. */
  function follow(replica: Driver, version = 101, fields: Partial<LeaseRecord> = {}): Driver {
    for (let next = version; next < version + 600; next++) {
      if (replica.wakeInMs()! < 2_000 && replica.wake().kinds().length > 0) return replica;
      replica.wait(2_000 - (replica.nowMs % 2_000)).sees(renewed(next, fields));
    }
    throw new Error('it asks for nothing');
  }

  test('asks the holder to give way by one annotation, when its term has stood for a lease duration', () => {
    const replica = follow(standby(LOWER, preempting));
    expect(replica.nowMs).toBe(15_000);
    expect(replica.effects).toMatchObject([
      { kind: 'challenge', timeoutMs: 5_000, base: { holder: OTHER }, challenger: { identity: ME, priority: 10 } },
    ]);
    expect(replica.leads).toBe(false);
  });

  test('lets one of higher priority ask first', () => {
    expect(follow(standby(lease({ holderPriority: 1 }), told({ preempt: true, priority: 8 }))).nowMs).toBe(15_400);
  });

  test.each<[string, Partial<LeaseRecord>, Partial<Candidacy>]>([
    ['it was not told to', {}, { preempt: false }],
    ['the holder ranks as high', { holderPriority: 5 }, { priority: 5 }],
    ['the holder tells no priority: it has the highest, or knows nothing of it', { holderPriority: null }, {}],
    ['another that ranks as high has asked', { challenger: { identity: 'c_uid-c_1', priority: 10 } }, {}],
    ['it never leads', {}, { neverLead: true }],
    ['the holder is a clone of this process', { holder: ME }, {}],
  ])('asks nobody while %s', (_, fields, candidacy) => {
    const replica = standby(lease({ holderPriority: 5, ...fields }), told({ preempt: true, ...candidacy }));
    expect(() => follow(replica, 101, fields)).toThrow('it asks for nothing');
  });

  test('asks although one of lower priority has', () => {
    const challenger = { identity: 'c_uid-c_1', priority: 7 };
    expect(follow(standby(lease({ holderPriority: 5, challenger }), preempting), 101, { challenger }).nowMs).toBe(
      15_000,
    );
  });

  test('has been healthy for a lease duration, and is not paused', () => {
    const replica = standby(LOWER, preempting).send(UNHEALTHY).wait(3_000).send(HEALTHY);
    expect(follow(replica).nowMs).toBe(18_000);
    expect(() => follow(standby(LOWER, preempting).send({ kind: 'pause' }))).toThrow('it asks for nothing');
    const anyway = standby(LOWER, told({ preempt: true, leadUnhealthy: true })).send(UNHEALTHY);
    expect(() => follow(anyway)).toThrow('it asks for nothing');
  });

  test('asks one that leads without a healthy application whether it was told to preempt or not', () => {
    const fields = { holderPriority: -1 };
    expect(follow(standby(lease(fields), told({ priority: 0 })), 101, fields).nowMs).toBe(17_000);
  });

  test('counts anew with each term', () => {
    const replica = standby(LOWER, preempting).wait(14_000);
    replica.sees(renewed(101, { acquireTime: 'another', transitions: 4 }));
    expect(follow(replica, 102, { acquireTime: 'another', transitions: 4 }).nowMs).toBe(29_000);
  });

  test('asks again only after ever longer times, until it leads', () => {
    const replica = follow(standby(LOWER, preempting));
    const askedMs = [replica.nowMs];
    for (let version = 1_000; askedMs.length < 9; version += 1_000) {
      replica.reply({ kind: 'ok', record: renewed(version - 1) });
      follow(replica, version);
      askedMs.push(replica.nowMs);
    }
    const waits = askedMs.slice(1).map((ms, index) => (ms - askedMs[index]!) / 15_000);
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
    replica
      .sees({ ...FREE, resourceVersion: '100000' })
      .reply(CONFLICT)
      .tick();
    acknowledge(replica, '100001');
    expect(replica.state.challengesInVain).toBe(0);
  });

  test('that met a conflict asks under the next version that it sees', () => {
    const replica = follow(standby(LOWER, preempting)).reply(CONFLICT);
    expect(replica.wakeInMs()).toBe(2_000);
    replica.sees(renewed(120));
    expect(replica.wakeInMs()).toBe(0);
    expect(replica.tick().the('challenge').base.resourceVersion).toBe('120');
  });

  test('that was already shown the next version by then asks at once', () => {
    const replica = follow(standby(LOWER, preempting)).sees(renewed(120)).reply(CONFLICT);
    expect(replica.tick().the('challenge').base.resourceVersion).toBe('120');
  });

  test('that was refused, or not answered, asks no sooner than the retry period allows', () => {
    const refused = follow(standby(LOWER, preempting)).reply(REFUSED);
    expect(refused.reports()).toEqual(['attempt-failed']);
    expect(refused.sees(renewed(120)).wakeInMs()).toBe(15_000);
    const replica = follow(standby(LOWER, preempting)).reply(UNKNOWN);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });

  test('asks nobody under a record of the past', () => {
    const replica = standby(lease({ holderPriority: 5, resourceVersion: '9' }), preempting);
    replica.wait(10_000).sees(lease({ holderPriority: 5, resourceVersion: '7' }), 'list');
    expect(replica.wait(5_000).tick().kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record: renewed(8) });
    // Nor for ever after: an etcd that was restored goes on from there.
    for (let looks = 0; replica.wake().kinds()[0] === 'read'; looks++) {
      expect(looks).toBeLessThan(20);
      replica.reply({ kind: 'ok', record: renewed(8) });
    }
    expect([replica.nowMs, replica.kinds()]).toEqual([25_000, ['challenge']]);
  });

  test('that stops waits for no answer', () => {
    expect(follow(standby(LOWER, preempting)).send({ kind: 'stop' }).kinds()).toEqual(['finished']);
  });
});

describe('a leader that is asked to give way', () => {
  const asked = (record: LeaseRecord, priority: number, resourceVersion = '105'): LeaseRecord => ({
    ...record,
    resourceVersion,
    challenger: { identity: OTHER, priority },
  });

  test('by one of higher priority hands over to that, gracefully', () => {
    const { replica, record } = led(told({ priority: 5 }));
    replica.sees(asked(record, 8));
    expect(replica.effects).toEqual([{ kind: 'stop-work', graceful: true, reason: 'preempted' }]);
    expect(replica.leads).toBe(true);
    replica.send(WORK_STOPPED);
    expect(replica.the('update')).toMatchObject({
      base: { resourceVersion: '105' },
      content: { holder: '', nextHolder: OTHER },
    });
  });

  test.each([5, 4, -1])('by one of priority %d, which is no higher, leads on', (priority) => {
    const { replica, record } = led(told({ priority: 5 }));
    replica.sees(asked(record, priority));
    expect(replica.effects).toEqual([]);
    expect(replica.wake().the('update').base.resourceVersion).toBe('105');
  });

  test('without a healthy application gives way to any that has one', () => {
    const replica = standby(FREE, told({ leadUnhealthy: true }))
      .send(UNHEALTHY)
      .wake();
    const record = acknowledge(replica, '101');
    expect(replica.sees(asked(record, 0)).the('stop-work').reason).toBe('preempted');
  });

  test('while a renewal is under way finds out by its conflict, and keeps its term until work has stopped', () => {
    const { replica, record } = led(told({ priority: 5 }));
    const validUntilMs = replica.wake().state.tenure!.validity.validUntilMonoMs;
    expect(replica.reply(CONFLICT).kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record: asked(record, 8) });
    expect(replica.kinds()).toEqual(['stop-work', 'update']);
    expect(replica.the('stop-work').reason).toBe('preempted');
    expect(replica.state.tenure?.validity.validUntilMonoMs).toBe(validUntilMs);
  });

  test('is not asked to the end of a renewal whose answer it waits for', () => {
    const { replica } = led(told({ priority: 5 }));
    const renewal = stored(replica.wake().the('update').content, '102');
    replica.sees(asked(renewal, 8, '103'));
    expect(replica.the('stop-work').reason).toBe('preempted');
    expect(replica.reply({ kind: 'ok', record: renewal }).leads).toBe(true);
  });
});

describe('a Lease that nobody claims', () => {
  test('is noticed by who may not, when it could have been claimed for a lease duration', () => {
    const replica = standby(FREE).send(UNHEALTHY);
    expect(replica.wakeInMs()).toBe(15_000);
    expect(replica.wait(14_999).tick().state.unclaimed).toBe(false);
    expect(replica.wait(1).tick().state.unclaimed).toBe(true);
    expect(replica.wakeInMs()).toBeNull();
    expect(replica.sees(lease({ resourceVersion: '120' })).state.unclaimed).toBe(false);
  });

  test('is counted from its expiry where its holder died', () => {
    expect(standby(lease(), told({ neverLead: true })).wakeInMs()).toBe(30_000);
  });

  test('is not spoken of by who may claim it, nor while leading, stopping or freeing it', () => {
    expect(standby(FREE).send(UNHEALTHY).wait(20_000).send(HEALTHY).state.unclaimed).toBe(false);
    const { replica } = leader();
    replica.send({ kind: 'pause' }).wait(5_000).send(WORK_STOPPED).wait(20_000).tick();
    expect(replica.state.unclaimed).toBe(false);
  });

  test('can be told only while changes are: what is not watched may have been claimed', () => {
    const replica = standby(FREE).watching(false).send(UNHEALTHY);
    for (let looks = 0; looks < 10; looks++) replica.wake().reply({ kind: 'ok', record: FREE });
    expect(replica.nowMs).toBeGreaterThan(15_000);
    expect(replica.state.unclaimed).toBe(false);
    expect(replica.watching(true).state.unclaimed).toBe(true);
    expect(replica.watching(false).state.unclaimed).toBe(true);
  });
});

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
import type { ElectionEvent } from './index.ts';

const FREE = lease({ holder: '' });
const STEP_DOWN = { kind: 'step-down' } as const;
const PAUSE = { kind: 'pause' } as const;
const RESUME = { kind: 'resume' } as const;
const STOP = { kind: 'stop' } as const;
const WORK_STOPPED = { kind: 'work-stopped' } as const;

/** A leader that has been told to give up and whose work has stopped: its release is under way. */
function releasing(event: ElectionEvent = STEP_DOWN) {
  const { replica, record } = leader();
  replica.send(event).send(WORK_STOPPED);
  return { replica, record };
}

/** A replica that has claimed a free Lease and waits for the answer. */
function acquiring() {
  const replica = standby(FREE).tick();
  return { replica, record: stored(replica.the('update').content, '101') };
}

describe('giving up leadership', () => {
  const reasons: [ElectionEvent, string][] = [
    [STEP_DOWN, 'step-down'],
    [PAUSE, 'pause'],
    [STOP, 'shutdown'],
  ];
  test.each(reasons)('by $kind stops work first, while leadership still holds', (event, reason) => {
    const { replica } = leader();
    replica.send(event);
    expect(replica.effects).toEqual([{ kind: 'stop-work', graceful: true, reason }]);
    expect(replica.leads).toBe(true);
    expect(replica.send(event).effects).toEqual([]);
  });

  test('renews for as long as work takes to stop', () => {
    const { replica } = leader();
    replica.send(STEP_DOWN).wake();
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.leads).toBe(true);
    expect(replica.wake().kinds()).toEqual(['update']);
  });

  test('frees the Lease by compare-and-swap over its own record once work has stopped', () => {
    const { replica, record } = releasing();
    expect(replica.leads).toBe(false);
    expect(replica.the('update')).toMatchObject({
      base: { uid: record.uid, resourceVersion: '101' },
      content: { holder: '', leaseDurationSeconds: 1, transitions: record.transitions },
      timeoutMs: 2_500,
    });
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.the('released')).toEqual({ kind: 'released', result: 'freed' });
  });

  test('lets every other elector try once before it campaigns again', () => {
    const { replica } = releasing();
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.wakeInMs()).toBe(5_000);
    expect(replica.wake().the('update').base.holder).toBe('');
  });

  test('sees who was first before its own release was answered, and keeps that', () => {
    const { replica } = releasing();
    const released = stored(replica.the('update').content, '102');
    replica.sees(lease({ resourceVersion: '103' })).reply({ kind: 'ok', record: released });
    expect(replica.the('released').result).toBe('freed');
    expect(replica.state.sighting).toMatchObject({ record: { holder: OTHER, resourceVersion: '103' } });
  });

  test('waits for a renewal under way before it releases', () => {
    const { replica } = leader();
    replica.send(STEP_DOWN).wake();
    const renewal = stored(replica.the('update').content, '102');
    expect(replica.send(WORK_STOPPED).kinds()).toEqual([]);
    expect(replica.leads).toBe(false);
    replica.reply({ kind: 'ok', record: renewal });
    expect(replica.the('update').base.resourceVersion).toBe('102');
    expect(replica.the('update').content.holder).toBe('');
  });

  test.each([UNKNOWN, REFUSED, CONFLICT])('releases at once after a renewal under way ended in $kind', (outcome) => {
    const { replica } = leader();
    replica.send(STEP_DOWN).wake().send(WORK_STOPPED).reply(outcome);
    expect(replica.the('update').content.holder).toBe('');
  });

  test('ends as a loss does when the deadline passes meanwhile, and still releases', () => {
    const { replica } = leader();
    replica.send(STEP_DOWN).wake().wait(8_000).tick();
    expect(replica.leads).toBe(false);
    expect(replica.kinds()).toEqual([]);
    replica.send(WORK_STOPPED).reply(UNKNOWN);
    expect(replica.the('update').content.holder).toBe('');
  });

  test('leaves a Lease alone that another took meanwhile', () => {
    const { replica } = leader();
    replica
      .send(STEP_DOWN)
      .sees(lease({ resourceVersion: '105' }))
      .send(WORK_STOPPED);
    expect(replica.effects).toEqual([{ kind: 'released', result: 'taken' }]);
  });

  test('leaves a Lease alone that was deleted meanwhile', () => {
    const { replica, record } = leader();
    replica
      .send(STEP_DOWN)
      .send({ kind: 'deleted', record: { ...record, resourceVersion: '105' } })
      .send(WORK_STOPPED);
    expect(replica.effects).toEqual([{ kind: 'released', result: 'freed' }]);
  });

  test('is nothing to do for one that does not lead', () => {
    const replica = standby();
    expect(replica.send(STEP_DOWN).effects).toEqual([]);
    expect(replica.wakeInMs()).toBe(15_000);
  });
});

describe('a release', () => {
  test('that met a conflict reads, and frees only what it sees as ours', () => {
    const { replica, record } = releasing();
    replica.reply(CONFLICT);
    expect(replica.kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record: { ...record, resourceVersion: '104' } });
    expect(replica.the('update').base.resourceVersion).toBe('104');
  });

  test('that met a conflict with a successor touches nothing, and does not say that the Lease is free', () => {
    const { replica } = releasing();
    replica.reply(CONFLICT).reply({ kind: 'ok', record: lease({ resourceVersion: '104' }) });
    expect(replica.kinds()).toEqual(['released']);
    expect(replica.the('released').result).toBe('taken');
  });

  test('that met a conflict with nobody says that the Lease is free', () => {
    const { replica } = releasing();
    replica.reply(CONFLICT).reply({ kind: 'ok', record: lease({ resourceVersion: '104', holder: '' }) });
    expect(replica.kinds()).toEqual(['released']);
    expect(replica.the('released').result).toBe('freed');
  });

  test('of a Lease that is gone is done', () => {
    const { replica } = releasing();
    replica.reply({ kind: 'absent' });
    expect(replica.the('released').result).toBe('freed');
    expect(replica.state.sighting.kind).toBe('absent');
  });

  test('whose fate is unknown is read after a retry period, and repeated when it did not happen', () => {
    const { replica, record } = releasing();
    replica.reply(UNKNOWN);
    expect(replica.wakeInMs()).toBe(2_000);
    replica.wake().reply({ kind: 'ok', record });
    expect(replica.the('update').content.holder).toBe('');
  });

  test('whose fate is unknown forgets nobody: a Lease made anew meanwhile is waited out for who may have held it', () => {
    const { replica } = releasing();
    replica
      .sees(lease({ resourceVersion: '103' }))
      .wait(1_000)
      .reply(UNKNOWN);
    const anew = lease({ uid: 'lease-2', resourceVersion: '105', holder: '', renewTime: null });
    replica.wake().reply({ kind: 'ok', record: anew });
    expect(replica.the('released').result).toBe('freed');
    expect([replica.nowMs, replica.wakeInMs()]).toEqual([3_000, 15_000]);
  });

  test('that is given up forgets nobody either', () => {
    const { replica } = releasing(PAUSE);
    replica
      .sees(lease({ resourceVersion: '103' }))
      .reply(UNKNOWN)
      .wait(5_000)
      .tick();
    expect(replica.the('released').result).toBe('kept');
    const anew = lease({ uid: 'lease-2', resourceVersion: '105', holder: '', renewTime: null });
    replica.send(RESUME).wake().reply({ kind: 'ok', record: anew });
    expect(replica.wakeInMs()).toBe(15_000);
  });

  test('that is refused is repeated, and given up when the safety margin is over', () => {
    const { replica } = releasing();
    replica.reply(REFUSED).wake();
    expect(replica.kinds()).toEqual(['read']);
    replica.reply(REFUSED).wake();
    expect(replica.nowMs).toBe(4_000);
    replica.reply(REFUSED);
    expect(replica.wakeInMs()).toBe(1_000);
    expect(replica.wake().the('released')).toEqual({ kind: 'released', result: 'kept' });
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
  });
});

describe('pausing', () => {
  test('keeps a standby from claiming, however long the Lease is free', () => {
    const replica = standby(FREE).send(PAUSE);
    expect(replica.wait(60_000).tick().kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBeNull();
  });

  test('ends by resuming', () => {
    const replica = standby(FREE).send(PAUSE).send(RESUME);
    expect(replica.wakeInMs()).toBe(0);
    expect(replica.tick().kinds()).toEqual(['update']);
  });

  test('still polls where nothing watches, so that it can tell who leads', () => {
    const replica = standby().send(PAUSE).watching(false);
    expect(replica.tick().kinds()).toEqual(['read']);
  });

  test('a leader keeps it from campaigning after its release, until it resumes', () => {
    const { replica } = releasing(PAUSE);
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.wake().kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBeNull();
    replica.wait(10_000).send(RESUME);
    expect(replica.wakeInMs()).toBe(0);
  });

  test('while a claim is under way frees what it may win, and does not lead', () => {
    const { replica, record } = acquiring();
    replica.send(PAUSE).reply({ kind: 'ok', record });
    expect(replica.leads).toBe(false);
    expect(replica.the('update')).toMatchObject({ base: { resourceVersion: '101' }, content: { holder: '' } });
  });

  test('after a claim of unknown fate looks, and frees what it won', () => {
    const { replica, record } = acquiring();
    replica.reply(UNKNOWN).send(PAUSE);
    expect(replica.kinds()).toEqual([]);
    expect(replica.wake().kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record });
    expect(replica.the('update').content.holder).toBe('');
  });

  test('while work of a lost tenure still stops waits for it, then frees what is still ours', () => {
    const { replica } = leader();
    replica.wake().wait(8_000).tick().reply(UNKNOWN).send(PAUSE);
    expect(replica.kinds()).toEqual([]);
    replica.send(WORK_STOPPED);
    expect(replica.the('update').content.holder).toBe('');
  });

  test('after a loss frees what is still ours no sooner than answers given before have lapsed', () => {
    const { replica } = leader();
    replica.wallAheadMs += 3_600_000;
    expect(replica.wait(1_000).tick().the('stop-work').reason).toBe('clock-jumped');
    expect(replica.send(WORK_STOPPED).send(PAUSE).kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBe(9_000);
    expect(replica.wake().the('update').content.holder).toBe('');
    expect(replica.nowMs).toBe(10_000);
  });

  test("while our dead predecessor's Lease is claimed frees it no sooner than the predecessor's answers have lapsed", () => {
    const replica = standby(lease({ holder: 'a_uid-a_0' })).tick();
    const record = stored(replica.the('update').content, '101');
    expect(replica.send(PAUSE).wait(400).reply({ kind: 'ok', record }).kinds()).not.toContain('update');
    expect(replica.wakeInMs()).toBe(14_600);
    expect(replica.wake().the('update').content.holder).toBe('');
  });

  test("counts the predecessor's answers also when its Lease was deleted before it could be claimed", () => {
    const record = lease({ holder: 'a_uid-a_0' });
    const replica = standby(record);
    replica.send({ kind: 'deleted', record: { ...record, resourceVersion: '101' } }).tick();
    const claimed = stored(replica.the('create').content, '102', 'lease-2');
    replica.send(PAUSE).wait(400).reply({ kind: 'ok', record: claimed });
    expect(replica.wake().kinds()).toEqual(['read']);
    expect(replica.reply({ kind: 'ok', record: claimed }).wake().the('update').content.holder).toBe('');
    expect(replica.nowMs).toBe(15_000);
  });

  test('during a hand-over lets it end, and keeps from campaigning afterwards', () => {
    const { replica } = leader();
    replica.send(STEP_DOWN).send(PAUSE).send(WORK_STOPPED);
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.wake().kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBeNull();
  });

  test('that is taken back during a hand-over does not stop it; the replica campaigns after its turn', () => {
    const { replica } = leader();
    replica.send(PAUSE).send(RESUME).send(WORK_STOPPED);
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.wakeInMs()).toBe(5_000);
  });

  test('taken back without having paused changes nothing', () => {
    const { replica } = leader();
    const before = replica.state;
    expect(replica.send(RESUME).state).toEqual(before);
  });

  test('looks again for a Lease that it could not free, until it is free', () => {
    const { replica, record } = releasing(PAUSE);
    replica.reply(UNKNOWN).wait(5_000).tick();
    expect(replica.the('released').result).toBe('kept');
    replica.wake().reply({ kind: 'ok', record });
    expect(replica.the('update').content.holder).toBe('');
  });
});

describe('stopping', () => {
  test('leaves a Lease under its own name alone that another process wrote', () => {
    expect(
      standby(lease({ holder: ME }))
        .send(STOP)
        .kinds(),
    ).toEqual(['finished']);
  });

  test('a standby ends at once', () => {
    expect(standby().send(STOP).kinds()).toEqual(['finished']);
    expect(new Driver().send(STOP).kinds()).toEqual(['finished']);
  });

  test('a leader ends after its release', () => {
    const { replica } = releasing(STOP);
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.kinds()).toEqual(['released', 'finished']);
    expect(replica.wakeInMs()).toBeNull();
  });

  test('a leader that cannot reach the API server ends when the safety margin is over', () => {
    const { replica } = releasing(STOP);
    replica.wait(2_500).reply(UNKNOWN).wake().wait(1_000).tick();
    expect(replica.nowMs).toBe(5_500);
    replica.reply(UNKNOWN);
    expect(replica.kinds()).toEqual(['released', 'finished']);
    expect(replica.the('released').result).toBe('kept');
  });

  test('during a hand-over ends after it', () => {
    const { replica } = leader();
    replica.send(STEP_DOWN).send(STOP).send(WORK_STOPPED);
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.kinds()).toEqual(['released', 'finished']);
  });

  test('during a release ends after it', () => {
    const { replica } = releasing();
    const released = stored(replica.the('update').content, '102');
    expect(replica.send(STOP).kinds()).toEqual([]);
    expect(replica.reply({ kind: 'ok', record: released }).kinds()).toEqual(['released', 'finished']);
  });

  test('during the read of a release asks anew rather than never', () => {
    const { replica } = releasing();
    replica.reply(CONFLICT).send(STOP);
    expect(replica.kinds()).toEqual(['read']);
  });

  test('waits for nothing that a read would say', () => {
    const replica = standby().watching(false).tick();
    expect(replica.send(STOP).kinds()).toEqual(['finished']);
  });

  test('while work of a lost tenure still stops waits for it, then frees what is still ours', () => {
    const { replica } = leader();
    replica.wait(10_000).tick().send(STOP);
    expect(replica.kinds()).toEqual([]);
    replica.send(WORK_STOPPED);
    expect(replica.the('update').content.holder).toBe('');
  });

  test('waits for the answer to a claim, and frees what it won late', () => {
    const { replica, record } = acquiring();
    expect(replica.send(STOP).kinds()).toEqual([]);
    replica.wait(1_999).tick().reply({ kind: 'ok', record });
    expect(replica.the('update')).toMatchObject({ base: { resourceVersion: '101' }, content: { holder: '' } });
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.kinds()).toEqual(['released', 'finished']);
  });

  test('after a claim that lost ends at once', () => {
    const { replica } = acquiring();
    expect(replica.send(STOP).reply(CONFLICT).kinds()).toEqual(['finished']);
  });

  test('after a loss frees what is still ours at once: whoever stops the sidecar has ended the application', () => {
    const { replica } = leader();
    replica.wallAheadMs += 3_600_000;
    replica.wait(1_000).tick().send(WORK_STOPPED);
    expect(replica.send(STOP).the('update').content.holder).toBe('');
  });

  test('after a claim of unknown fate looks before it ends, and frees what it won', () => {
    const { replica, record } = acquiring();
    expect(replica.send(STOP).reply(UNKNOWN).kinds()).toEqual([]);
    expect(replica.wake().kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record });
    expect(replica.the('update').content.holder).toBe('');
  });

  test('after a creation of unknown fate that did not happen ends', () => {
    const replica = unled().findNothing();
    expect(replica.kinds()).toEqual(['create']);
    replica.reply(UNKNOWN).send(STOP).wake().reply({ kind: 'absent' });
    expect(replica.kinds()).toEqual(['released', 'finished']);
  });

  test('after a claim of unknown fate ends without an answer when the safety margin is over', () => {
    const { replica } = acquiring();
    replica.reply(UNKNOWN).send(STOP).wake();
    expect(replica.reply(UNKNOWN).wake().kinds()).toEqual(['read']);
    replica.wait(1_000).reply(UNKNOWN);
    expect(replica.kinds()).toEqual(['released', 'finished']);
    expect(replica.the('released').result).toBe('kept');
  });

  test('is for good', () => {
    const replica = standby().send(STOP).send(RESUME).send(PAUSE);
    expect(
      replica
        .sees(lease({ resourceVersion: '101', holder: '' }))
        .tick()
        .kinds(),
    ).toEqual([]);
    expect(replica.state).toMatchObject({ desire: 'stop', finished: true });
    expect(replica.state.config.identity).toBe(ME);
  });
});

describe('a request that hangs when the replica is to stop', () => {
  /** What the last event said of failures. */
  const failures = (replica: Driver) =>
    replica.all('report').flatMap(({ report }) => ('code' in report ? [`${report.kind}: ${report.code}`] : []));

  test('is waited for as long as it takes while nobody wants to stop', () => {
    expect(acquiring().replica.wakeInMs()).toBeNull();
    expect(acquiring().replica.send(PAUSE).wakeInMs()).toBeNull();
    expect(releasing().replica.wakeInMs()).toBeNull();
  });

  test('and that is a claim is abandoned after two seconds; a read says what it did, and it is freed', () => {
    const { replica, record } = acquiring();
    expect(replica.wait(1_000).send(STOP).wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual([]);
    expect(failures(replica)).toEqual(['attempt-failed: abandoned']);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record });
    expect(replica.the('update')).toMatchObject({ base: { resourceVersion: '101' }, content: { holder: '' } });
    replica.reply({ kind: 'ok', record: stored(replica.the('update').content, '102') });
    expect(replica.kinds()).toEqual(['released', 'finished']);
    expect(replica.wakeInMs()).toBeNull();
  });

  test('and that is abandoned says nothing any more when its answer comes after all', () => {
    const { replica, record } = acquiring();
    const requestId = replica.state.pending!.id;
    const before = replica.send(STOP).wake().state;
    replica.send({ kind: 'replied', requestId, outcome: { kind: 'ok', record } });
    expect(replica.effects).toEqual([]);
    expect(replica.state).toEqual(before);
  });

  test('is heard when its answer comes in the very moment in which it would be abandoned', () => {
    const { replica, record } = acquiring();
    replica.send(STOP).wait(2_000).reply({ kind: 'ok', record });
    expect(failures(replica)).toEqual([]);
    expect(replica.the('update')).toMatchObject({ base: { resourceVersion: '101' }, content: { holder: '' } });
  });

  test('and that is a renewal is abandoned while work drains, and leadership is confirmed by a read', () => {
    const { replica } = leader();
    const renewal = stored(replica.wake().the('update').content, '102');
    expect(replica.send(STOP).wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual(['read']);
    expect(failures(replica)).toEqual(['renewal-failed: abandoned']);
    replica.reply({ kind: 'ok', record: renewal });
    expect(replica.state.tenure?.validity.validUntilMonoMs).toBe(12_000);
    expect(replica.the('update').base.resourceVersion).toBe('102');
  });

  test('and that is a renewal made while work drained is abandoned two seconds after work has stopped', () => {
    const { replica } = leader();
    replica.send(STOP).wake();
    expect(replica.kinds()).toEqual(['update']);
    expect(replica.wait(3_000).send(WORK_STOPPED).wakeInMs()).toBe(2_000);
    expect(replica.wake().the('update').content.holder).toBe('');
    const patient = leader().replica.send(STEP_DOWN).wake().wait(3_000).send(WORK_STOPPED);
    expect(patient.wakeInMs()).toBeNull();
  });

  test('and that is a renewal does not keep work that has stopped from being followed by the release', () => {
    const { replica } = leader();
    replica.wake().send(STOP).send(WORK_STOPPED);
    expect(replica.kinds()).toEqual([]);
    expect(replica.wakeInMs()).toBe(2_000);
    expect(replica.wake().the('update')).toMatchObject({ base: { resourceVersion: '101' }, content: { holder: '' } });
  });

  test('and that is a release is abandoned, read, and not repeated when it was carried out', () => {
    const { replica } = releasing();
    const released = stored(replica.the('update').content, '102');
    expect(replica.send(STOP).wakeInMs()).toBe(2_000);
    expect(replica.wake().kinds()).toEqual([]);
    expect(replica.wake().kinds()).toEqual(['read']);
    replica.reply({ kind: 'ok', record: released });
    expect(replica.kinds()).toEqual(['released', 'finished']);
    expect(replica.the('released').result).toBe('freed');
  });

  test('does not shorten the time of the one after it', () => {
    const { replica } = leader();
    const renewal = stored(replica.wake().the('update').content, '102');
    replica.send(STOP).wait(1_900).reply({ kind: 'ok', record: renewal }).send(WORK_STOPPED);
    const { content, timeoutMs } = replica.the('update');
    expect(timeoutMs).toBe(2_500);
    expect(replica.wait(2_400).tick().effects).toEqual([]);
    replica.reply({ kind: 'ok', record: stored(content, '103') });
    expect(replica.kinds()).toEqual(['released', 'finished']);
  });

  test('is not waited for longer because the replica is told to stop once more', () => {
    const { replica } = acquiring();
    expect(replica.send(STOP).wait(1_500).send(STOP).wakeInMs()).toBe(500);
  });
});

import { beforeAll, describe, expect } from 'vitest';
import { LIBRARIES, type Library } from './interop/libraries.ts';
import { DURATION_MS, type Member, MixedElection, TIMINGS } from './interop/mixed-election.ts';
import { monoMs } from './replica/clock.ts';
import { Replica } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { until } from './replica/until.ts';
import { ensureTools } from './tools/build.ts';

beforeAll(() => ensureTools(['elector-python', 'elector-java']), 600_000);
onControlPlane();

const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
/** For what has no bound of its own: a busy machine's slack. */
const PATIENCE_MS = 20_000;

function election(claim: string, play: (election: MixedElection) => Promise<void>): void {
  scenario(claim, { timings: TIMINGS, timeoutMs: 240_000 }, async (scene) => {
    const election = await MixedElection.open(scene);
    try {
      await play(election);
      expect(election.findings()).toEqual([]);
      const beyond = election.foreignOverlaps();
      console.log(`${claim}: beyond their right, others led beside somebody else: ${beyond.join('; ') || 'never'}`);
    } finally {
      election.witness.close();
    }
  });
}

/** What everybody understands, whoever wrote it. */
async function expectHeldBy({ scene }: MixedElection, { identity }: Member, leaseTransitions: number): Promise<void> {
  expect((await scene.lease()).spec).toEqual({
    holderIdentity: identity,
    leaseDurationSeconds: DURATION_MS / 1_000,
    acquireTime: expect.stringMatching(MICRO_TIME),
    renewTime: expect.stringMatching(MICRO_TIME),
    leaseTransitions,
  });
}

/** No answer after it went on says that it leads. */
async function expectToStepBack(replica: Replica, resumedMs: number): Promise<void> {
  const later = () => replica.answers.filter(({ receivedMs }) => receivedMs > resumedMs);
  await until(`${replica.name} answers again`, PATIENCE_MS, () => later().length >= 5);
  expect(later().filter(({ isLeader }) => isLeader)).toEqual([]);
}

/**
 * A standby takes over neither before the last record has lasted as long as it says, nor much later. `expiryMs` has whole
 * milliseconds, rounded down.
 */
function expectAfterExpiry(tookOverMs: number, expiryMs: number): void {
  expect(tookOverMs - expiryMs).toBeGreaterThanOrEqual(-1);
  expect(tookOverMs - expiryMs).toBeLessThanOrEqual(DURATION_MS);
}

describe.concurrent('at the same time', () => {
  for (const library of Object.keys(LIBRARIES) as Library[]) {
    election(`Leasegate and ${library} hand over to each other, in each way`, (mixed) =>
      handOverInEachWay(mixed, library),
    );
  }

  election('Go, Python, Java and Leasegate share one Lease through a chain of kills and pauses', chain);
});

async function handOverInEachWay(mixed: MixedElection, library: Library): Promise<void> {
  const { scene } = mixed;
  const { leaves, countsTransitions, stepsBack } = LIBRARIES[library];
  const foreignStep = countsTransitions ? 1 : 0;
  const first = await scene.startLeader();
  let transitions = 1;
  await expectHeldBy(mixed, first, transitions);

  // Leasegate leaves: its release is understood, for nobody waits until its record would have expired.
  let rival = await mixed.startFollower(library);
  const leftMs = await first.leave();
  const taken = await rival.untilEvent('started', PATIENCE_MS);
  expect(taken.t_mono_ms - leftMs).toBeLessThan(DURATION_MS);
  transitions += foreignStep;
  await expectHeldBy(mixed, rival, transitions);

  // The other leaves: Leasegate follows at once where the Lease is empty, else when the record expires.
  let replica = await mixed.startReplica();
  const releasedMs = await rival.leave();
  const followed = await replica.untilEvent('started', PATIENCE_MS, releasedMs);
  await mixed.witness.untilHeldBy(replica.identity);
  const abandoned = mixed.witness.lastVersionOf(leaves === 'empty' ? '' : rival.identity);
  if (leaves !== 'empty') expectAfterExpiry(followed.atMs, abandoned.expiryMs);
  if (leaves !== 'as-it-is') {
    expect(abandoned.spec.leaseDurationSeconds).toBe(1);
    expect(followed.atMs - releasedMs).toBeLessThanOrEqual(DURATION_MS / 2);
  }
  transitions += 1;
  await expectHeldBy(mixed, replica, transitions);

  // Leasegate crashes.
  rival = await mixed.startFollower(library);
  replica.kill();
  const inherited = await rival.untilEvent('started', PATIENCE_MS);
  expectAfterExpiry(inherited.t_mono_ms, mixed.witness.lastVersionOf(replica.identity).expiryMs);
  transitions += foreignStep;
  await expectHeldBy(mixed, rival, transitions);

  // The other crashes.
  replica = await mixed.startReplica();
  const killedMs = rival.kill();
  const recovered = await replica.untilEvent('started', PATIENCE_MS, killedMs);
  expectAfterExpiry(recovered.atMs, mixed.witness.lastVersionOf(rival.identity).expiryMs);
  transitions += 1;
  await expectHeldBy(mixed, replica, transitions);

  // Leasegate is paused, and goes on when the other leads: it never says that it still does.
  rival = await mixed.startFollower(library);
  replica.pause();
  await mixed.untilLeads(rival, PATIENCE_MS);
  await expectToStepBack(replica, replica.resume());
  await mixed.untilAllAgree();
  transitions += foreignStep;
  await expectHeldBy(mixed, rival, transitions);

  // The other is paused, and goes on when Leasegate leads: it stops by its own rule.
  rival.pause();
  await mixed.untilLeads(replica, PATIENCE_MS);
  const resumedMs = rival.resume();
  const stopped = await rival.untilEvent('stopped', PATIENCE_MS, resumedMs);
  const tookMs = Math.round(stopped.t_mono_ms - resumedMs);
  console.log(`${library}, when it goes on after a pause, ${stepsBack}: here ${tookMs} ms`);
  expect(await mixed.untilAllAgree()).toBe(replica);
  transitions += 1;
  await expectHeldBy(mixed, replica, transitions);
}

/** Who is next, and what happens to the leader before it. Each leads twice, and stands still in between. */
const CHAIN = [
  ['java', 'kill'],
  ['pod-2', 'pause'],
  ['python', 'pause'],
  ['client-go', 'kill'],
  ['java', 'pause'],
  ['pod-1', 'kill'],
  ['client-go', 'kill'],
  ['python', 'pause'],
  ['pod-2', 'kill'],
] as const;

async function chain(mixed: MixedElection): Promise<void> {
  await mixed.scene.startLeader({ podName: 'pod-1' });
  await mixed.scene.startReplica({ podName: 'pod-2' });
  for (const library of Object.keys(LIBRARIES) as Library[]) await mixed.startFollower(library);
  await mixed.untilAllAgree();
  for (const [next, strike] of CHAIN) {
    const fallen = await mixed.holder();
    const successor = mixed.members.find((member) => seatOf(member) === next)!;
    // The others stand still, so that who comes next is not left to chance; they wake up to a Lease that has changed.
    const bystanders = mixed.members.filter((member) => member !== fallen && member !== successor);
    for (const bystander of bystanders) bystander.pause();
    fallen[strike]();
    await mixed.untilLeads(successor, PATIENCE_MS);
    for (const bystander of bystanders) bystander.resume();
    if (strike === 'kill') await replace(mixed, fallen);
    else if (fallen instanceof Replica) await expectToStepBack(fallen, fallen.resume());
    else fallen.resume();
    expect(await mixed.untilAllAgree()).toBe(successor);
  }

  // With nobody held back any one may follow, but one does.
  const last = await mixed.holder();
  last.kill();
  await last.closed();
  const atMs = monoMs();
  await until('another leads', PATIENCE_MS, () => mixed.members.some(({ leading }) => leading));
  await mixed.untilAllAgree();
  console.log(`${(await mixed.holder()).name} followed ${Math.round(monoMs() - atMs)} ms after the last kill`);
}

/** The place in the group that a process fills: its pod, or its library. */
function seatOf(member: Member): string {
  return member instanceof Replica ? member.podName : member.name.replace(/-\d+$/, '');
}

async function replace(mixed: MixedElection, fallen: Member): Promise<void> {
  await fallen.closed();
  if (fallen instanceof Replica) {
    const restarted = await mixed.scene.startReplica({ restartOf: fallen });
    await restarted.untilWatching(PATIENCE_MS);
  } else await mixed.startFollower(seatOf(fallen) as Library);
}

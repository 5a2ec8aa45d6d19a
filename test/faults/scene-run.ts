import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../cluster/replica/clock.ts';
import { BRISK } from '../cluster/replica/replica.ts';
import { Scene } from '../cluster/replica/scene.ts';
import type { ControlPlane } from '../cluster/support/control-plane.ts';
import { check, type Verdict } from './checker.ts';
import type { Fault, Setting } from './fault.ts';
import type { Entry, Phase } from './history.ts';
import { ScenePods } from './stage.ts';

/** What became of one fault's scene. */
export interface SceneResult {
  readonly fault: Fault;
  readonly verdict: Verdict;
  readonly history: readonly Entry[];
  /** The fault itself could not be played to its end. */
  readonly error: string | null;
  readonly tookMs: number;
}

export interface SceneRun {
  readonly controlPlane: ControlPlane;
  /** Program and arguments that run Leasegate. */
  readonly leasegate: readonly string[];
  readonly namespace: string;
  readonly trials: number;
}

const ASK_EVERY_MS = 20;
/** How long somebody must have led until a trial counts as over: what comes late is to be seen. */
const SETTLE_MS = 500;
/** Replicas are back that long after the fault, leader or not: processes that a fault left stuck are findings, too. */
const WHOLE_WITHIN_MS = 30_000;
/** Between what marks a trial and what happens next: instants taken from logs are accurate to a millisecond. */
const LOG_SLACK_MS = 5;
const STRIKE_TIMEOUT_MS = 120_000;

/** Plays a fault's trials in one scene, one after another, and judges their history. */
export async function runScene(
  fault: Fault,
  { controlPlane, leasegate, namespace, trials }: SceneRun,
): Promise<SceneResult> {
  const startedMs = monoMs();
  const scene = await Scene.open({
    controlPlane,
    leasegate,
    namespace,
    timings: fault.timings ?? BRISK,
    askEveryMs: ASK_EVERY_MS,
  });
  const stage = new ScenePods(scene);
  let error: string | null = null;
  let history: Entry[] = [];
  try {
    const setting = await fault.prepare(stage);
    await stage.raise(setting.start);
    for (let trial = 1; trial <= trials; trial++) await play(stage, fault, setting, trial);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  } finally {
    history = stage.history();
    await stage.close();
  }
  return { fault, verdict: check(history, fault), history, error, tookMs: monoMs() - startedMs };
}

async function play(stage: ScenePods, fault: Fault, setting: Setting, trial: number): Promise<void> {
  const phase = (phase: Phase) => stage.mark({ t: monoMs(), type: 'fault', phase, trial });
  phase('begins');
  await sleep(LOG_SLACK_MS);
  await within(STRIKE_TIMEOUT_MS, setting.strike());
  phase('ends');
  try {
    await stage.untilWhole(Math.max(WHOLE_WITHIN_MS, 2 * fault.recoversWithinMs));
    await sleep(SETTLE_MS);
    await stage.untilWhole(fault.recoversWithinMs);
  } finally {
    phase('over');
    await sleep(LOG_SLACK_MS);
  }
}

async function within(timeoutMs: number, promise: Promise<void>): Promise<void> {
  const aborted = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: aborted.signal }).then(() => {
    throw new Error(`the fault did not end within ${timeoutMs} ms`);
  });
  late.catch(() => {});
  await Promise.race([promise, late]).finally(() => aborted.abort());
}

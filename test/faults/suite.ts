import { type ControlPlane, startControlPlane } from '../cluster/support/control-plane.ts';
import type { Fault } from './fault.ts';
import { runScene, type SceneResult } from './scene-run.ts';

/** A fault that could not be played, for want of something on this machine. */
export interface Missing {
  readonly fault: Fault;
  readonly missing: string;
}

export type Result = SceneResult | Missing;

export interface SuiteOptions {
  /** Program and arguments that run Leasegate. */
  readonly leasegate: readonly string[];
  /** Trials of each fault. */
  readonly trials: number;
  /** Scenes that play at the same time, where faults stay within their scene. */
  readonly scenesAtOnce: number;
  /** Told of each result as it comes. */
  readonly onResult: (result: Result) => Promise<void>;
}

const REACHES: readonly Fault['reach'][] = ['scene', 'control-plane', 'machine'];

/** Plays all faults, those of one reach on one control plane of their own; resolves to the results in the faults' order. */
export async function runSuite(faults: readonly Fault[], options: SuiteOptions): Promise<Result[]> {
  const results = new Map<Fault, Result>();
  const take = async (result: Result) => {
    results.set(result.fault, result);
    await options.onResult(result);
  };
  const able: Fault[] = [];
  for (const fault of faults) {
    const missing = (await fault.missing?.()) ?? null;
    if (missing === null) able.push(fault);
    else await take({ fault, missing });
  }
  for (const reach of REACHES) {
    const group = able.filter((fault) => fault.reach === reach);
    if (group.length === 0) continue;
    const controlPlane = await startControlPlane({ audit: false });
    try {
      await runGroup(group, reach === 'scene' ? options.scenesAtOnce : 1, controlPlane, options, take);
    } finally {
      await controlPlane.close();
    }
  }
  return faults.map((fault) => results.get(fault)!);
}

async function runGroup(
  faults: readonly Fault[],
  atOnce: number,
  controlPlane: ControlPlane,
  { leasegate, trials }: SuiteOptions,
  take: (result: Result) => Promise<void>,
): Promise<void> {
  const queue = [...faults.entries()];
  const workers = Array.from({ length: atOnce }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, fault] = next;
      const strikes = trials * (fault.strikesPerTrial ?? 1);
      await take(await runScene(fault, { controlPlane, leasegate, namespace: `fault-${index}`, trials: strikes }));
    }
  });
  await Promise.all(workers);
}

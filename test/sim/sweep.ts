import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addCounts, type Batch, type BatchResult, type WorkerTask } from './batch.ts';
import { withBundle } from './bundle.ts';
import type { HistoryResult } from './system.ts';
import { systemOf } from './systems.ts';

export interface SweepOptions {
  /** By its name. */
  readonly system: string;
  readonly from: number;
  readonly count: number;
  /** @defaultValue one for each core */
  readonly workers?: number;
  /** Code of a hazard to put back. */
  readonly hazard?: string;
  /** Ends after the lowest seed that breaks an invariant. @defaultValue false */
  readonly firstOnly?: boolean;
}

export interface SweepResult {
  readonly steps: number;
  /** Sums of what the histories counted. */
  readonly counts: Readonly<Record<string, number>>;
  /** Histories that broke an invariant, by seed. */
  readonly broken: readonly HistoryResult[];
}

const BATCH_SEEDS = 20;

/**
 * Runs the histories of `count` seeds on all cores. What it finds does not depend on how many there are: with `firstOnly`
 * every seed below the first broken one has been run.
 *
 * @throws RangeError for a hazard that the system does not have; and whatever a worker dies of.
 */
export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const { entry, hazards } = systemOf(options.system);
  const hazard = options.hazard === undefined ? null : hazards.find(({ code }) => code === options.hazard);
  if (hazard === undefined) throw new RangeError(`${options.system} has no hazard ${options.hazard}`);
  const { firstOnly = false } = options;
  return await withBundle(entry, hazard, (bundle) => sweepBundle(options, { bundle, firstOnly }));
}

async function sweepBundle(options: SweepOptions, task: WorkerTask): Promise<SweepResult> {
  const { from, count, workers = availableParallelism() } = options;
  const { firstOnly } = task;
  const end = from + count;
  const results: BatchResult[] = [];
  let next = from;
  let found = false;

  const work = async () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
    try {
      while (next < end && !(found && firstOnly)) {
        const batch: Batch = { from: next, count: Math.min(BATCH_SEEDS, end - next) };
        next += batch.count;
        worker.postMessage(batch);
        const [result] = (await once(worker, 'message')) as [BatchResult];
        results.push(result);
        found ||= result.broken.length > 0;
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, Math.ceil(count / BATCH_SEEDS)) }, work));

  results.sort((a, b) => a.from - b.from);
  const counts: Record<string, number> = {};
  for (const result of results) addCounts(counts, result.counts);
  const broken = results.flatMap((result) => result.broken);
  return {
    steps: results.reduce((sum, { steps }) => sum + steps, 0),
    counts,
    broken: firstOnly ? broken.slice(0, 1) : broken,
  };
}

import { parentPort, workerData } from 'node:worker_threads';
import { HAZARDS } from './hazards.ts';
import type { Batch, BatchResult, WorkerTask } from './sweep.ts';
import { loadVariant } from './variant.ts';

/** One core's share of a sweep: batches of seeds in, what they showed out. */
const { hazard, firstOnly } = workerData as WorkerTask;
const port = parentPort!;
const { runHistory } =
  hazard === null ? await import('./history.ts') : await loadVariant(HAZARDS.find(({ code }) => code === hazard)!);

port.on('message', async ({ from, count }: Batch) => {
  const result: BatchResult = { from, steps: 0, grants: 0, broken: [] };
  for (let seed = from; seed < from + count; seed += 1) {
    const history = await runHistory({ seed });
    result.steps += history.steps;
    result.grants += history.grants;
    if (history.violations.length > 0) result.broken.push(history);
    if (firstOnly && result.broken.length > 0) break;
  }
  port.postMessage(result);
});

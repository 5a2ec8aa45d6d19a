import { parentPort, workerData } from 'node:worker_threads';
import { addCounts, type Batch, type BatchResult, type WorkerTask } from './sweep.ts';
import { systemOf } from './systems.ts';
import { loadVariant } from './variant.ts';

/** One core's share of a sweep: batches of seeds in, what they showed out. */
const { system, hazard, firstOnly } = workerData as WorkerTask;
const port = parentPort!;
const { hazards, entry, ...own } = systemOf(system);
const { runSeed } = hazard === null ? own : await loadVariant(hazards.find(({ code }) => code === hazard)!, entry);

port.on('message', async ({ from, count }: Batch) => {
  const result: BatchResult = { from, steps: 0, counts: {}, broken: [] };
  for (let seed = from; seed < from + count; seed += 1) {
    const history = await runSeed(seed);
    result.steps += history.steps;
    addCounts(result.counts, history.counts);
    if (history.violations.length > 0) result.broken.push(history);
    if (firstOnly && result.broken.length > 0) break;
  }
  port.postMessage(result);
});

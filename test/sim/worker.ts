import { parentPort, workerData } from 'node:worker_threads';
import { addCounts, type Batch, type BatchResult, type WorkerTask } from './batch.ts';
import type { Bundle } from './bundle.ts';

/** One core's share of a sweep: batches of seeds in, what they showed out. */
const { bundle, firstOnly } = workerData as WorkerTask;
const port = parentPort!;
const { runSeed } = (await import(bundle)) as Bundle;

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

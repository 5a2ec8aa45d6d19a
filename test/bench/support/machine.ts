import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Above this load average something else is being measured too. */
export const quietLoadMax = 0.7;

export interface Machine {
  readonly node: string;
  readonly cores: number;
  /** Load average of the last minute when the bench began. */
  readonly load: number;
}

/**
 * Describes the machine and warns when it is busy.
 *
 * @param waitQuiet - wait until it is quiet first, however long that takes
 */
export async function machine(waitQuiet: boolean): Promise<Machine> {
  const load = () => loadavg()[0] ?? 0;
  if (waitQuiet && load() >= quietLoadMax) {
    console.log(`waiting until the load average (${load().toFixed(2)}) is below ${quietLoadMax}`);
    while (load() >= quietLoadMax) await sleep(2_000);
  }
  const described = { node: process.versions.node, cores: cpus().length, load: Math.round(load() * 100) / 100 };
  console.log(`Node ${described.node}, ${described.cores} cores, load average ${described.load}`);
  if (described.load >= quietLoadMax) console.log('the machine is busy: trust ratios at most (--wait-quiet waits)');
  return described;
}

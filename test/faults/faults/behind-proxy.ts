import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Fault as Answer, FaultProxy } from '../../cluster/replica/fault-proxy.ts';
import { makePki } from '../../cluster/support/pki.ts';
import type { Fault, Stage } from '../fault.ts';

type Answering = FaultProxy['fault'];

/** A fault of answers: all replicas reach the API server through one proxy that reads their requests. */
export interface AnswerFault extends Omit<Fault, 'reach' | 'prepare'> {
  strike(stage: Stage, proxy: FaultProxy): Promise<void>;
}

export function behindProxy({ strike, ...fault }: AnswerFault): Fault {
  return {
    ...fault,
    reach: 'scene',
    prepare: async (stage) => {
      const { controlPlane, namespace } = stage.scene;
      const directory = join(controlPlane.directory, namespace, 'proxy');
      await mkdir(directory, { recursive: true });
      const pki = await makePki(directory);
      const proxy = await FaultProxy.open({ controlPlane, pki });
      stage.defer(() => proxy.close());
      return {
        start: () => ({ server: proxy.url, caFile: pki.caFile }),
        strike: () => strike(stage, proxy),
      };
    },
  };
}

/**
 * Answers so for a while; `cutWatches` also ends what is being watched, so that watches meet it as well.
 *
 * @throws Error when no request met it
 */
export async function answering(
  stage: Stage,
  proxy: FaultProxy,
  fault: Answering,
  { forMs, cutWatches }: { readonly forMs: number; readonly cutWatches: boolean },
): Promise<void> {
  let met = 0;
  proxy.fault = (...request) => {
    const answer = fault(...request);
    if (answer !== null) met += 1;
    return answer;
  };
  if (cutWatches) proxy.resetConnections();
  await stage.lasting(forMs);
  proxy.fault = () => null;
  if (met === 0) throw new Error('no request met the fault');
}

export function status(code: number, headers?: Record<string, string>): Answer {
  return { kind: 'answer', status: code, ...(headers && { headers }) };
}

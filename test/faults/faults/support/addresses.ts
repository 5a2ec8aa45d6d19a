import type { Replica } from '../../../cluster/replica/replica.ts';

/** Where applications ask it, for clients other than the scene's. */
export function localUrlOf(replica: Replica): string {
  return `http://${listenOf(replica).local}`;
}

/** Where kubelet asks it. */
export function probeUrlOf(replica: Replica): string {
  return `http://${listenOf(replica).probe}`;
}

function listenOf(replica: Replica): { readonly local: string; readonly probe: string } {
  const [started] = replica.logged('STARTED');
  if (started === undefined) throw new Error(`${replica.name} does not listen yet`);
  return started.listen as { local: string; probe: string };
}

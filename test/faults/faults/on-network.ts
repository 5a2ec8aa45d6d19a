import { Relay } from '../../cluster/replica/relay.ts';
import type { Replica } from '../../cluster/replica/replica.ts';
import type { Fault, Setting, Stage } from '../fault.ts';

/** The network between each replica and the API server: a relay that sees nothing but TLS. */
export interface Network {
  readonly relays: readonly Relay[];
  relayOf(replica: Replica): Relay;
}

export interface NetworkFault extends Omit<Fault, 'reach' | 'prepare'> {
  strike(stage: Stage, network: Network): Promise<void>;
}

export function onNetwork({ strike, ...fault }: NetworkFault): Fault {
  return { ...fault, reach: 'scene', prepare: (stage) => connect(stage, (network) => strike(stage, network)) };
}

async function connect(stage: Stage, strike: (network: Network) => Promise<void>): Promise<Setting> {
  const target = stage.scene.controlPlane.ports.apiServer;
  const relays = await Promise.all([Relay.open(target), Relay.open(target), Relay.open(target)]);
  stage.defer(() => {
    for (const relay of relays) relay.close();
  });
  const relayOf = (replica: Replica) => relays[stage.running().indexOf(replica)]!;
  return { start: (index) => ({ server: relays[index]!.url }), strike: () => strike({ relays, relayOf }) };
}

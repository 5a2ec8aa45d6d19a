import type { Relay } from '../../cluster/replica/relay.ts';
import type { Fault } from '../fault.ts';
import { AFTER_THE_TAKEOVER_MS, pastTheLeaseMs, takeoverWithinMs } from './bounds.ts';
import { onNetwork } from './on-network.ts';

async function mend(relays: readonly Relay[]): Promise<void> {
  await Promise.all(relays.map((relay) => relay.mend()));
}

/** Latency in each direction, of each piece of data; a handshake is three of them. */
function slow(name: string, delayMs: () => number, recoversFrom: Fault['recoversFrom']): Fault {
  return onNetwork({
    name,
    recoversFrom,
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, { relays }) => {
      for (const relay of relays) relay.delay(delayMs);
      await stage.lasting(pastTheLeaseMs());
      await mend(relays);
    },
  });
}

export const network: readonly Fault[] = [
  slow('API server slow: 100 ms each way', () => 100, 'begin'),
  slow('API server slow: 50 to 600 ms each way', () => 50 + Math.random() * 550, 'begin'),
  slow('API server slow: 2 s each way, more than any deadline', () => 2_000, 'end'),
  onNetwork({
    name: 'connections of the leader go silent, then are reset',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, { relayOf }) => {
      const leader = stage.leader();
      relayOf(leader).goSilent();
      await stage.untilAnotherLeads(leader);
      await stage.lasting(AFTER_THE_TAKEOVER_MS);
      await relayOf(leader).mend();
    },
  }),
  onNetwork({
    name: 'connections of all replicas go silent, then are reset',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, { relays }) => {
      for (const relay of relays) relay.goSilent();
      await stage.lasting(pastTheLeaseMs());
      await mend(relays);
    },
  }),
  onNetwork({
    name: 'half-open: all connections are dead and nobody is told; new ones work',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, { relays, relayOf }) => {
      const relay = relayOf(stage.leader());
      const before = relay.accepted;
      for (const each of relays) each.forgetConnections();
      await stage.lasting(pastTheLeaseMs());
      if (relay.accepted === before) throw new Error('the leader has not noticed that its connections were dead');
    },
  }),
  onNetwork({
    name: 'connections of all replicas are reset, every 20 to 200 ms for 5 s',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, { relays }) => {
      const untilMs = performance.now() + 5_000;
      while (performance.now() < untilMs) {
        for (const relay of relays) relay.resetConnections();
        await stage.lasting(20 + Math.random() * 180);
      }
    },
  }),
];

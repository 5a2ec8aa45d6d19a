/**
 * The product's Lease server as a process of its own, with one free Lease, told by its parent what is to go wrong. A restart
 * keeps its store, as etcd does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, FaultPlan, type FaultScope, LeaseStore, startLeaseServer } from '../../src/lease-server/index.ts';
import { lease as leaseType } from '../../src/lease-server/resources/index.ts';

/** What the parent asks for. Each is answered by one {@link Reply}, when it is done. */
export type Order =
  | { readonly order: 'inject'; readonly fault: Fault; readonly scope: FaultScope; readonly forMs: number }
  | { readonly order: 'restart'; readonly forMs: number }
  /** Counts the requests of these clients. */
  | { readonly order: 'count'; readonly tokens: readonly string[] };

export interface Reply {
  readonly id: number;
  readonly requests: number;
}

/** Few: a replica that was frozen for seconds meets "410 Gone", and the history is full long before anything is measured. */
const HISTORY_LIMIT = 50;
const LISTEN_ATTEMPTS_MAX = 100;
const LISTEN_AGAIN_MS = 50;

const [namespace = '', leaseName = ''] = process.argv.slice(2);
const store = new LeaseStore({ random: Math.random, historyLimit: HISTORY_LIMIT });
const faults = new FaultPlan();
let server = await startLeaseServer({ listen: '127.0.0.1:0', namespaces: [namespace], store, faults });
const listen = new URL(server.url).host;
const traffics = [server.traffic];
store.create(leaseType, namespace, { metadata: { name: leaseName }, spec: {} }, { nowMs: Date.now() });

process.on('message', (message: Order & { readonly id: number }) => {
  void obey(message).then((requests) => process.send?.({ id: message.id, requests } satisfies Reply));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url: server.url });

async function obey(order: Order): Promise<number> {
  switch (order.order) {
    case 'inject': {
      const lift = faults.inject(order.fault, order.scope);
      await sleep(order.forMs);
      lift();
      return 0;
    }
    case 'restart':
      await server.abort();
      await sleep(order.forMs);
      server = await listenAgain();
      traffics.push(server.traffic);
      return 0;
    case 'count':
      return traffics
        .flatMap((traffic) => order.tokens.map((token) => traffic.total(token)))
        .reduce((a, b) => a + b, 0);
  }
}

/** Meanwhile a client on this machine may have been given the port for a connection of its own. */
async function listenAgain(): Promise<typeof server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startLeaseServer({ listen, store, faults });
    } catch (error) {
      if (attempt === LISTEN_ATTEMPTS_MAX) throw error;
      await sleep(LISTEN_AGAIN_MS);
    }
  }
}

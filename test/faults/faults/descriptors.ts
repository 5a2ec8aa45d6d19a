import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { Relay } from '../../cluster/replica/relay.ts';
import type { Replica } from '../../cluster/replica/replica.ts';
import { until } from '../../cluster/replica/until.ts';
import type { Fault } from '../fault.ts';
import { takeoverWithinMs } from './bounds.ts';
import { localUrlOf } from './support/addresses.ts';

/** A replica at rest has about 25. */
const DESCRIPTORS_MAX = 64;
const CONNECTIONS = 2 * DESCRIPTORS_MAX;
/** Also longer than it goes without reading its token anew, which takes a descriptor. */
const LASTING_MS = 11_000;
const AGAIN_AFTER_MS = 50;

/** Clients take all descriptors that the leader may have, for longer than a lease lasts. */
export const descriptors: readonly Fault[] = [
  exhausted('its connections to the API server kept', false),
  exhausted('its connections to the API server cut', true),
];

function exhausted(meanwhile: string, cutOff: boolean): Fault {
  return {
    name: `file descriptors of the leader exhausted for ${LASTING_MS / 1_000} s, ${meanwhile}`,
    reach: 'scene',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    prepare: async (stage) => {
      const relays: Relay[] = [];
      for (const _ of [0, 1, 2]) relays.push(await Relay.open(stage.scene.controlPlane.ports.apiServer));
      stage.defer(() => {
        for (const relay of relays) relay.close();
      });
      return {
        start: (index) => ({
          server: relays[index]!.url,
          commandPrefix: ['prlimit', `--nofile=${DESCRIPTORS_MAX}`],
        }),
        strike: async () => {
          const leader = stage.leader();
          const relay = relays[stage.running().indexOf(leader)]!;
          const flood = new Flood(localUrlOf(leader));
          try {
            await until(`${leader.name} has no descriptor left`, 10_000, () => isExhausted(leader, flood));
            if (cutOff) {
              await relay.refuse();
              await until('the flood has taken those, too', 10_000, () => isExhausted(leader, flood));
              await relay.mend();
            }
            await stage.lasting(LASTING_MS);
            if (!(await isExhausted(leader, flood))) throw new Error(`${leader.name} has descriptors left`);
            stage.note(`${leader.name} refused ${flood.refused} connections`);
          } finally {
            flood.end();
          }
          await until(`${leader.name} answers whoever comes`, 10_000, () => answersAnew(leader).catch(() => false));
          await leader.untilWatching(20_000);
        },
      };
    },
  };
}

/** It has all the descriptors that it may have, and has closed connections for want of one. */
async function isExhausted(replica: Replica, flood: Flood): Promise<boolean> {
  const taken = await readdir(`/proc/${replica.pid}/fd`);
  // libuv keeps one in reserve: it is closed and taken again with each connection that is refused.
  return taken.length >= DESCRIPTORS_MAX - 1 && flood.refused > 0;
}

/** On a connection of its own. */
async function answersAnew(replica: Replica): Promise<boolean> {
  const answer = await fetch(`${localUrlOf(replica)}/leader`, {
    headers: { Connection: 'close' },
    signal: AbortSignal.timeout(5_000),
  });
  await answer.body?.cancel();
  return answer.status === 200;
}

/** Connections that ask nothing; each that is closed is opened again a moment later. */
class Flood {
  /** How many were closed by the other side, or never came about. */
  refused = 0;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #ended = false;

  constructor(url: string) {
    this.#port = Number(new URL(url).port);
    for (let i = 0; i < CONNECTIONS; i++) this.#open();
  }

  end(): void {
    this.#ended = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(): void {
    if (this.#ended) return;
    const socket = connect(this.#port, '127.0.0.1').resume();
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.refused += 1;
      setTimeout(() => this.#open(), AGAIN_AFTER_MS);
    });
  }
}

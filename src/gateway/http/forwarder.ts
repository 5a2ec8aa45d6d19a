import type { Clock, Timers } from '../../ports/clock.ts';
import type { Gate, LeaderPlace } from '../gate.ts';
import { parsePeerAddress } from '../peer-address.ts';
import type { Exchange } from './exchange.ts';
import { Upstream } from './upstream.ts';

export interface ForwarderOptions {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long a request may wait for a replica that takes it, in milliseconds. */
  readonly waitMs: number;
  readonly responseTimeoutMs: number;
}

/**
 * Between two tries at a leader that does not take requests (yet, or any more) while no change is heard of. A new one may be known
 * here some milliseconds before it knows of itself.
 */
const PAUSE_MS_MIN = 5;
const PAUSE_MS_MAX = 1_000;

/** Where a leader takes requests. */
export interface Peer {
  readonly leader: LeaderPlace;
  readonly upstream: Upstream;
}

/**
 * Brings requests to whoever leads. One that no application has seen goes on waiting for a leader that takes it; one that may have been
 * seen is never given to another.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #peer: { readonly address: string; readonly upstream: Upstream } | null = null;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  async forward(exchange: Exchange): Promise<void> {
    const { gate, clock, waitMs } = this.#options;
    const untilMonoMs = clock.now().monoMs + waitMs;
    for (let pauseMs = PAUSE_MS_MIN; !exchange.over; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
      // What waited may have become this replica's own.
      if (exchange.toApplication()) return;
      const peer = this.#peerNow();
      if (peer !== null && (await exchange.toPeer(peer)) === 'over') return;
      const leftMs = untilMonoMs - clock.now().monoMs;
      if (leftMs <= 0) {
        exchange.refuse('GATEWAY_NO_LEADER', { leader: gate.leaderElsewhere() });
        return;
      }
      await gate.changed(peer === null ? leftMs : Math.min(pauseMs, leftMs), exchange.signal);
    }
  }

  close(): void {
    this.#peer?.upstream.retire();
    this.#peer = null;
  }

  /** Connections are kept to the present leader only. */
  #peerNow(): Peer | null {
    const { gate, timers, responseTimeoutMs } = this.#options;
    const leader = gate.leaderElsewhere();
    if (leader === null || leader.address === null) return null;
    const { address } = leader;
    if (this.#peer?.address === address) return { leader, upstream: this.#peer.upstream };
    const place = parsePeerAddress(address);
    if (place === null) return null;
    this.close();
    const upstream = new Upstream({ ...place, responseTimeoutMs, timers });
    this.#peer = { address, upstream };
    return { leader, upstream };
  }
}

import type { Clock, Timers } from '../../ports/clock.ts';
import type { Gate, LeaderPlace } from '../gate.ts';
import { parsePeerAddress } from '../peer-address.ts';
import { untilTaken } from '../until-taken.ts';
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
    const attempt = async () => {
      // What waited may have become this replica's own.
      if (exchange.over || exchange.toApplication()) return 'over';
      const peer = this.#peerNow();
      return peer === null ? 'no-leader' : exchange.toPeer(peer);
    };
    if (await untilTaken({ gate, clock, waitMs, signal: exchange.signal, attempt })) return;
    exchange.refuse('GATEWAY_NO_LEADER', { leader: gate.leaderElsewhere() });
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

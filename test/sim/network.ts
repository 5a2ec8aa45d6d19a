import {
  type KubeReply,
  type KubeRequest,
  type KubeStream,
  type KubeStreamHandlers,
  type Transport,
  TransportError,
} from '../../src/kube/transport.ts';
import type { WatchEvent } from './api-server.ts';
import type { Machine } from './machine.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

/** What is asked over the network. Everything happens at one true moment. */
export interface SimServer {
  handle(request: KubeRequest, process: string): KubeReply;
  /** A read as of some states ago. */
  handleStale(request: KubeRequest, statesBack: number): KubeReply;
  /** Tells of all that changes after a version, until the function that it returns is called. */
  watch(since: number, onEvent: (event: WatchEvent) => void, onEnd: () => void, path: string): () => void;
}

/** How badly the network and the API server treat one process; probabilities are per request. */
export interface Weather {
  /** Mean one-way delay. */
  delayMs: number;
  lossBefore: number;
  lossAfter: number;
  resetBefore: number;
  resetAfter: number;
  /** Sent twice on the way: the second one's answer comes back, or the first one's. */
  duplicateBefore: number;
  duplicateAfter: number;
  stale: number;
  throttled: number;
  serverErrorBefore: number;
  serverErrorAfter: number;
  /** Per write: 409 and 422 that something on the way makes up. */
  conflictBefore: number;
  conflictAfter: number;
  invalid: number;
  unauthorized: number;
  forbidden: number;
  /** Per event of a watch. */
  watchDrop: number;
  watchDuplicate: number;
  watchEnd: number;
  watchGone: number;
  watchSilence: number;
  /** Cut off: requests vanish, watches fall silent. */
  cutOff: boolean;
  /** The API server is not there: connections are refused, watches end. */
  refused: boolean;
}

export const CALM: Weather = {
  delayMs: 2,
  lossBefore: 0,
  lossAfter: 0,
  resetBefore: 0,
  resetAfter: 0,
  duplicateBefore: 0,
  duplicateAfter: 0,
  stale: 0,
  throttled: 0,
  serverErrorBefore: 0,
  serverErrorAfter: 0,
  conflictBefore: 0,
  conflictAfter: 0,
  invalid: 0,
  unauthorized: 0,
  forbidden: 0,
  watchDrop: 0,
  watchDuplicate: 0,
  watchEnd: 0,
  watchGone: 0,
  watchSilence: 0,
  cutOff: false,
  refused: false,
};

/** What an observer may know of one exchange. Monotonic times are the process's own. */
export interface Exchange {
  readonly process: string;
  readonly request: KubeRequest;
  readonly sentMonoMs: number;
  /** As the process got it; null when nothing came. */
  readonly reply: KubeReply | null;
  readonly receivedMonoMs: number;
  /** The answer was made up by a fault, not by the server. */
  readonly faked: boolean;
}

export interface NetworkObserver {
  sent(process: string, request: KubeRequest): void;
  exchanged(exchange: Exchange): void;
  watched(process: string, event: WatchEvent, receivedMonoMs: number): void;
}

const CONNECT_REFUSED_MS = 1;

/** The network between one process and the API server. */
export class SimTransport implements Transport {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #server: SimServer;
  readonly #random: SeededRandom;
  readonly #observer: NetworkObserver;
  readonly #process: string;
  weather: Weather = { ...CALM };

  constructor(parts: {
    world: World;
    machine: Machine;
    server: SimServer;
    random: SeededRandom;
    observer: NetworkObserver;
    process: string;
  }) {
    this.#world = parts.world;
    this.#machine = parts.machine;
    this.#server = parts.server;
    this.#random = parts.random;
    this.#observer = parts.observer;
    this.#process = parts.process;
  }

  request(request: KubeRequest): Promise<KubeReply> {
    const sentMonoMs = this.#machine.now().monoMs;
    this.#observer.sent(this.#process, request);
    return new Promise((resolve, reject) => {
      let open = true;
      const timer = this.#machine.after(request.timeoutMs, () => {
        if (!open) return;
        open = false;
        reject(new TransportError('timeout', 'no answer'));
      });
      const settle = (finish: () => void) => {
        if (!open) return;
        open = false;
        timer.cancel();
        finish();
      };
      const fail = (code: 'reset' | 'unreachable', afterMs: number) =>
        this.#later(afterMs, () => settle(() => reject(new TransportError(code, code))));
      const answer = (reply: KubeReply, faked: boolean) =>
        this.#later(this.#delay(), () =>
          settle(() => {
            const receivedMonoMs = this.#machine.now().monoMs;
            this.#observer.exchanged({ process: this.#process, request, sentMonoMs, reply, receivedMonoMs, faked });
            resolve(reply);
          }),
        );

      const { weather } = this;
      if (weather.refused) return fail('unreachable', CONNECT_REFUSED_MS);
      if (weather.cutOff || this.#random.chance(weather.lossBefore)) return;
      if (this.#random.chance(weather.resetBefore)) return fail('reset', this.#delay());
      this.#world.after(this.#delay(), () => {
        const writes = request.method !== 'GET';
        const made = this.#madeUp(weather) ?? (writes ? this.#madeUpForWrite(weather) : null);
        if (made !== null) return answer(made, true);
        if (request.method === 'GET' && this.#random.chance(weather.stale)) {
          return answer(this.#server.handleStale(request, this.#random.whole(1, 6)), true);
        }
        if (this.#random.chance(weather.duplicateBefore)) this.#server.handle(request, this.#process);
        const reply = this.#server.handle(request, this.#process);
        if (this.#random.chance(weather.duplicateAfter)) {
          this.#world.after(this.#delay() * 3, () => this.#server.handle(request, this.#process));
        }
        if (this.weather.cutOff || this.#random.chance(weather.lossAfter)) return;
        if (this.#random.chance(weather.resetAfter)) return fail('reset', this.#delay());
        if (this.#random.chance(weather.serverErrorAfter)) return answer(errorReply(500, null), true);
        if (writes && this.#random.chance(weather.conflictAfter)) return answer(errorReply(409, null), true);
        answer(reply, false);
      });
    });
  }

  stream(request: KubeRequest, handlers: KubeStreamHandlers): KubeStream {
    this.#observer.sent(this.#process, request);
    const since = Number(new URLSearchParams(request.path.split('?')[1]).get('resourceVersion') ?? 0);
    let open = true;
    let silent = false;
    let unwatch: () => void = () => {};
    let lastAtMs = this.#world.nowMs;
    const close = () => {
      open = false;
      unwatch();
    };
    const end = (failure: KubeReply | TransportError | null, afterMs: number) =>
      this.#later(afterMs, () => {
        if (!open) return;
        close();
        handlers.onEnd(failure);
      });
    // One connection: events arrive in order.
    const push = (event: WatchEvent) => {
      lastAtMs = Math.max(lastAtMs, this.#world.nowMs + this.#delay());
      this.#world.at(lastAtMs, () =>
        this.#machine.deliver(() => {
          if (!open) return;
          this.#observer.watched(this.#process, event, this.#machine.now().monoMs);
          handlers.onLine(lineOf(event));
        }),
      );
    };
    const { weather } = this;
    if (weather.refused) end(new TransportError('unreachable', 'refused'), CONNECT_REFUSED_MS);
    else if (weather.cutOff) end(new TransportError('timeout', 'no answer'), request.timeoutMs / this.#machine.rate);
    else {
      this.#later(2 * this.#delay(), () => {
        if (!open) return;
        const made = this.#madeUp(this.weather);
        if (made !== null) {
          close();
          return handlers.onEnd(made);
        }
        handlers.onOpen();
        unwatch = this.#server.watch(
          since,
          (event) => {
            const present = this.weather;
            if (present.cutOff || this.#random.chance(present.watchSilence)) silent = true;
            if (present.refused || this.#random.chance(present.watchEnd)) return end(null, 0);
            if (silent || this.#random.chance(present.watchDrop)) return;
            if (this.#random.chance(present.watchGone)) {
              return push({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } });
            }
            push(event);
            if (this.#random.chance(present.watchDuplicate)) push(event);
          },
          () => end(null, 0),
          request.path,
        );
      });
    }
    return { close };
  }

  #later(delayMs: number, action: () => void): void {
    this.#world.after(delayMs, () => this.#machine.deliver(action));
  }

  #delay(): number {
    // Mostly near the mean, now and then far beyond it.
    const { delayMs } = this.weather;
    return this.#random.chance(0.03) ? delayMs * this.#random.between(2, 40) : delayMs * this.#random.between(0.3, 1.7);
  }

  #madeUp(weather: Weather): KubeReply | null {
    if (this.#random.chance(weather.throttled)) return errorReply(429, this.#random.whole(1, 5) * 1_000);
    if (this.#random.chance(weather.serverErrorBefore)) return errorReply(500, null);
    if (this.#random.chance(weather.unauthorized)) return errorReply(401, null);
    if (this.#random.chance(weather.forbidden)) return errorReply(403, null);
    return null;
  }

  #madeUpForWrite(weather: Weather): KubeReply | null {
    if (this.#random.chance(weather.conflictBefore)) return errorReply(409, null);
    if (this.#random.chance(weather.invalid)) return errorReply(422, null);
    return null;
  }
}

const lines = new WeakMap<WatchEvent, string>();

/** As it goes over the wire; the same for all who watch. */
function lineOf(event: WatchEvent): string {
  const known = lines.get(event);
  if (known !== undefined) return known;
  const line = JSON.stringify(event);
  lines.set(event, line);
  return line;
}

function errorReply(status: number, retryAfterMs: number | null): KubeReply {
  const reason = status === 409 ? 'Conflict' : '';
  return { status, body: { kind: 'Status', code: status, reason, message: 'made up' }, retryAfterMs };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../cluster/replica/clock.ts';
import { LocalApi } from '../cluster/replica/local-api.ts';
import type { SeededRandom } from '../sim/random.ts';
import type { ApiServer } from './api-server.ts';
import { flood, sendWrongRequests } from './local-abuse.ts';
import {
  API_KINDS,
  type ApiKind,
  type EndingKind,
  type FaultKind,
  type PlannedFault,
  type SparingKind,
} from './plan.ts';
import type { Pod } from './pod.ts';

/** What was done. */
export interface Strike {
  readonly kind: FaultKind;
  readonly pod: string;
  readonly atMs: number;
  readonly tookMs: number;
  /** Why it could not be done as planned. */
  readonly error?: string;
}

/** Carries the plan's faults out. */
export class Striker {
  readonly strikes: Strike[] = [];
  /** Sent to the replicas' local listeners, the wrong ones included. */
  requests = 0;
  readonly #pods: readonly Pod[];
  readonly #apiServer: ApiServer;
  readonly #random: SeededRandom;
  readonly #startMs: number;
  #lastApiStrike: Promise<void> = Promise.resolve();

  constructor(pods: readonly Pod[], apiServer: ApiServer, random: SeededRandom, startMs: number) {
    this.#pods = pods;
    this.#apiServer = apiServer;
    this.#random = random;
    this.#startMs = startMs;
  }

  /** Resolves when the fault is over; never rejects. */
  async strike(planned: PlannedFault): Promise<void> {
    const pod = planned.pod === 'leader' ? this.#leader() : this.#pods[planned.pod]!;
    const kind = sparing(planned.kind, pod);
    const atMs = monoMs() - this.#startMs;
    const error = await this.#carryOut(kind, planned.forMs, pod).then(
      () => null,
      (reason: unknown) => String(reason),
    );
    const tookMs = Math.round(monoMs() - this.#startMs - atMs);
    this.strikes.push({ kind, pod: pod.name, atMs: Math.round(atMs), tookMs, ...(error !== null && { error }) });
  }

  #carryOut(kind: FaultKind, forMs: number, pod: Pod): Promise<void> {
    if (isApiKind(kind)) {
      // One after another: a restart may take longer than planned.
      const strike = () => this.#apiServer.strike({ kind, forMs, podName: pod.name, random: this.#random });
      const done = this.#lastApiStrike.then(strike);
      this.#lastApiStrike = done.catch(() => {});
      return done;
    }
    return pod.strike(() => this.#strikePod(kind, forMs, pod));
  }

  async #strikePod(kind: SparingKind | EndingKind, forMs: number, pod: Pod): Promise<void> {
    switch (kind) {
      case 'kill':
        await pod.kill();
        await sleep(forMs);
        return pod.start('same-pod');
      case 'terminate':
        await pod.terminate();
        await sleep(forMs);
        return pod.start('new-pod');
    }
    // Connections of its own: a kept one may be closed by its other end just when it is used again.
    const api = new LocalApi(pod.listen);
    try {
      await this.#bother(kind, forMs, pod, api);
    } finally {
      api.close();
    }
  }

  async #bother(kind: SparingKind, forMs: number, pod: Pod, api: LocalApi): Promise<void> {
    const port = Number(pod.listen.local.split(':').at(-1));
    const immediate = this.#random.chance(0.5);
    switch (kind) {
      case 'freeze':
        pod.current.pause();
        await sleep(forMs);
        pod.current.resume();
        this.requests += 1;
        // Until it answers it works off what has queued up.
        await api.get('/healthz');
        return;
      case 'wrong-requests':
        this.requests += await sendWrongRequests(port);
        return;
      case 'flood':
        this.requests += await flood(port, forMs);
        return;
      case 'step-down':
        this.requests += 1;
        await api.post('/step-down', { immediate });
        return;
      case 'pause':
        this.requests += 2;
        await api.post('/pause', { immediate });
        await sleep(forMs);
        await api.post('/resume');
        return;
    }
  }

  /** Some pod where nobody leads. */
  #leader(): Pod {
    return this.#pods.find(({ leading }) => leading) ?? this.#random.pick(this.#pods);
  }
}

/** The core keeps its processes: where the plan would end one, it is frozen or asked to step down. */
function sparing(kind: FaultKind, { core }: Pod): FaultKind {
  if (!core) return kind;
  if (kind === 'kill') return 'freeze';
  return kind === 'terminate' ? 'step-down' : kind;
}

const isApiKind = (kind: FaultKind): kind is ApiKind => (API_KINDS as readonly string[]).includes(kind);

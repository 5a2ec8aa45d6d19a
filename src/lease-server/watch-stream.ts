import type { ServerResponse } from 'node:http';
import type { Random, Timer, Timers } from '../ports/clock.ts';
import type { FaultPlan } from './faults.ts';
import type { LeaseStore } from './store.ts';
import { Watch, type WatchEvent, type WatchQuery } from './watch.ts';

export interface WatchSurroundings {
  readonly store: LeaseStore;
  readonly faults: FaultPlan;
  readonly timers: Timers;
  readonly random: Random;
  readonly bookmarkIntervalMs: number;
  /** What holds the stream back. */
  readonly severed: () => 'cut-off' | 'refuse' | null;
}

/** kube-apiserver's --min-request-timeout: a watch without a timeout of its own lasts so long, or up to twice that. */
const TIMEOUT_MS_MIN = 1_800_000;
/** Longer ones are cut to this; a timer can't count further than 24 days. */
const TIMEOUT_MS_MAX = 86_400_000;
/** The last bookmark comes this long before the timeout. */
const BOOKMARK_LEAD_MS = 2000;

/** One watch over HTTP: a line of JSON for each event. A reader that is slow or cut off is caught up with later. */
export class WatchStream {
  readonly #response: ServerResponse;
  readonly #watch: Watch;
  readonly #query: WatchQuery;
  readonly #around: WatchSurroundings;
  readonly #timers: Timer[] = [];
  readonly #unsubscribe: readonly (() => void)[];
  #nextBookmark: Timer | null = null;
  #over = false;

  constructor(response: ServerResponse, query: WatchQuery, around: WatchSurroundings) {
    this.#response = response;
    this.#query = query;
    this.#around = around;
    this.#watch = new Watch(around.store, query);
    const pump = (): void => this.#pump();
    this.#unsubscribe = [around.store.subscribe(pump), around.faults.subscribe(pump)];
    response.on('drain', pump);
    response.on('close', () => this.#release());
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
    response.flushHeaders();
    this.#schedule();
    this.#pump();
  }

  /** Ends the stream as the API server does: without an error, at any time. */
  end(): void {
    this.#over = true;
    this.#pump();
  }

  #schedule(): void {
    const { timers, random } = this.#around;
    const asked = this.#query.timeoutSeconds * 1000;
    const timeoutMs = asked > 0 ? Math.min(asked, TIMEOUT_MS_MAX) : TIMEOUT_MS_MIN * (1 + random());
    this.#timers.push(timers.after(timeoutMs, () => this.end()));
    if (!this.#query.bookmarks) return;
    this.#timers.push(timers.after(timeoutMs - BOOKMARK_LEAD_MS, () => this.#bookmark()));
    this.#bookmarkLater();
  }

  #bookmarkLater(): void {
    this.#nextBookmark = this.#around.timers.after(this.#around.bookmarkIntervalMs, () => {
      this.#bookmark();
      this.#bookmarkLater();
    });
  }

  #bookmark(): void {
    this.#pump();
    if (this.#open) this.#write(this.#watch.bookmark());
  }

  get #open(): boolean {
    return this.#around.severed() === null && !this.#response.writableNeedDrain && !this.#response.writableEnded;
  }

  #pump(): void {
    if (this.#around.severed() === 'refuse') {
      this.#response.destroy();
      return;
    }
    if (!this.#open) return;
    this.#write(this.#watch.poll());
    if (this.#over || this.#watch.ended) this.#response.end();
  }

  #write(events: readonly WatchEvent[]): void {
    if (events.length > 0) this.#response.write(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }

  #release(): void {
    for (const stop of this.#unsubscribe) stop();
    for (const timer of this.#timers) timer.cancel();
    this.#nextBookmark?.cancel();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../cluster/replica/clock.ts';
import type { Pod } from './pod.ts';
import { privateDirtyKiB, readProcess } from './process-reading.ts';
import type { Reading } from './slope.ts';

/** What is measured of a process in the course of time. */
export interface Course {
  readonly name: string;
  /** Its garbage is collected before each reading of `held…`; the others are left alone until the end. */
  readonly collected: boolean;
  readonly anonymousKiB: Reading[];
  readonly descriptors: Reading[];
  readonly threads: Reading[];
  /** Rarely measured. */
  readonly privateDirtyKiB: Reading[];
  /** JavaScript heap in use, by its metrics. */
  readonly heapKiB: Reading[];
  /** After a full collection. Of those left alone there is one reading, at the end. */
  readonly heldAnonymousKiB: Reading[];
  /** Of the JavaScript heap: objects, and compiled code. */
  readonly heldObjectsKiB: Reading[];
  readonly heldCodeKiB: Reading[];
}

export interface WatcherOptions {
  readonly pods: readonly Pod[];
  readonly serverPid: number | null;
  readonly startMs: number;
  readonly readEveryMs: number;
  readonly collectEveryMs: number;
}

const PROBE_EVERY_MS = 10_000;
const DIRTY_EVERY_MS = 60_000;
/** V8 returns freed pages in the background. */
const COLLECTED_AFTER_MS = 1_500;
const HEAP_METRIC = 'nodejs_heap_size_used_bytes';

/**
 * Reads the core's processes from outside at intervals, each while nothing befalls it, and asks every replica's probes and
 * metrics as a kubelet and Prometheus do.
 */
export class Watcher {
  /** Probes and scrapes so far. */
  requests = 0;
  /** The most that any replica had at any reading. */
  residentKiBMax = 0;
  readonly core: readonly Course[];
  readonly server: Course = emptyCourse('lease server', false);
  readonly #options: WatcherOptions;
  readonly #courses: ReadonlyMap<Pod, Course>;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: WatcherOptions) {
    this.#options = options;
    const core = options.pods.filter((pod) => pod.core);
    this.#courses = new Map(core.map((pod, index) => [pod, emptyCourse(pod.name, index % 2 === 0)]));
    this.core = [...this.#courses.values()];
  }

  start(): void {
    const every = (ms: number, act: () => Promise<void>) => this.#timers.push(setInterval(() => void act(), ms));
    every(this.#options.readEveryMs, () => this.#readAll());
    every(PROBE_EVERY_MS, () => this.#probeAll());
    every(DIRTY_EVERY_MS, () => this.#readDirty());
    every(this.#options.collectEveryMs, () => this.#readHeld(({ collected }) => collected));
  }

  /** Ends the readings, with one of what each of the core holds. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#readHeld(() => true);
    await this.#readDirty();
  }

  async #readAll(): Promise<void> {
    const { pods, serverPid } = this.#options;
    const running = pods.filter(({ current }) => current.running);
    await Promise.all(running.map((pod) => this.#read(pod.current.pid, pod, this.#courses.get(pod))));
    if (serverPid !== null) await this.#read(serverPid, { calm: true }, this.server);
  }

  async #read(pid: number, of: { readonly calm: boolean }, course: Course | undefined): Promise<void> {
    const calmBefore = of.calm;
    const reading = await readProcess(pid);
    if (reading === null) return;
    if (course !== this.server) this.residentKiBMax = Math.max(this.residentKiBMax, reading.residentKiB);
    if (course === undefined || !calmBefore || !of.calm) return;
    const minutes = this.#minutes();
    course.anonymousKiB.push({ minutes, value: reading.anonymousKiB });
    course.descriptors.push({ minutes, value: reading.descriptors });
    course.threads.push({ minutes, value: reading.threads });
  }

  async #readDirty(): Promise<void> {
    for (const [pod, { privateDirtyKiB: readings }] of this.#courses) {
      const value = pod.calm ? await privateDirtyKiB(pod.current.pid) : null;
      if (value !== null) readings.push({ minutes: this.#minutes(), value });
    }
  }

  async #readHeld(which: (course: Course) => boolean): Promise<void> {
    const chosen = [...this.#courses].filter(([pod, course]) => pod.calm && which(course));
    await Promise.all(chosen.map(([pod, course]) => this.#readHeldOf(pod, course)));
  }

  async #readHeldOf(pod: Pod, course: Course): Promise<void> {
    const held = await pod.collectGarbage();
    await sleep(COLLECTED_AFTER_MS);
    const reading = await readProcess(pod.current.pid);
    if (held === null || reading === null || !pod.calm) return;
    const minutes = this.#minutes();
    course.heldAnonymousKiB.push({ minutes, value: reading.anonymousKiB });
    course.heldObjectsKiB.push({ minutes, value: held.objectsKiB });
    course.heldCodeKiB.push({ minutes, value: held.codeKiB });
  }

  /** Faults go on meanwhile: who does not answer is asked again at the next round. */
  async #probeAll(): Promise<void> {
    for (const pod of this.#options.pods.filter(({ calm, current }) => calm && current.running)) {
      this.requests += 2;
      for (const path of ['/healthz', '/readyz']) pod.current.api.probe(path).catch(() => {});
      void this.#scrape(pod).then((page) => {
        if (page === null) return;
        this.#courses.get(pod)?.heapKiB.push({ minutes: this.#minutes(), value: metricOf(page, HEAP_METRIC) / 1024 });
      });
    }
  }

  async #scrape(pod: Pod): Promise<string | null> {
    this.requests += 1;
    const answer = await pod.current.api.probe('/metrics').catch(() => null);
    return answer?.status === 200 ? answer.text : null;
  }

  #minutes(): number {
    return (monoMs() - this.#options.startMs) / 60_000;
  }
}

/** The sum of a metric's series in Prometheus' text format. */
export function metricOf(page: string, name: string): number {
  return page
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

function emptyCourse(name: string, collected: boolean): Course {
  return {
    ...{ name, collected, anonymousKiB: [], descriptors: [], threads: [], privateDirtyKiB: [], heapKiB: [] },
    ...{ heldAnonymousKiB: [], heldObjectsKiB: [], heldCodeKiB: [] },
  };
}

import { monoMs } from '../cluster/replica/clock.ts';
import type { Pod } from './pod.ts';
import { privateDirtyKiB, readProcess } from './process-reading.ts';
import type { Reading } from './slope.ts';

/** What is measured of a process in the course of time. */
export interface Course {
  readonly name: string;
  readonly anonymousKiB: Reading[];
  readonly descriptors: Reading[];
  readonly threads: Reading[];
  /** Rarely measured. */
  readonly privateDirtyKiB: Reading[];
  /** JavaScript heap in use, as its metrics say; falls at each garbage collection. */
  readonly heapKiB: Reading[];
}

const PROBE_EVERY_MS = 10_000;
const DIRTY_EVERY_MS = 60_000;

/**
 * Reads the core's processes from outside at intervals, each while nothing befalls it, and asks every replica's probes and
 * metrics as a kubelet and Prometheus do.
 */
export class Watcher {
  /** Probes and scrapes so far. */
  requests = 0;
  /** The most that any replica had at any moment. */
  residentKiBMax = 0;
  readonly core: readonly Course[];
  readonly server: Course = emptyCourse('lease server');
  readonly #pods: readonly Pod[];
  readonly #serverPid: number | null;
  readonly #startMs: number;
  readonly #courses: ReadonlyMap<Pod, Course>;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(pods: readonly Pod[], serverPid: number | null, startMs: number) {
    this.#pods = pods;
    this.#serverPid = serverPid;
    this.#startMs = startMs;
    this.#courses = new Map(pods.filter(({ core }) => core).map((pod) => [pod, emptyCourse(pod.name)]));
    this.core = [...this.#courses.values()];
  }

  start(everyMs: number): void {
    const every = (ms: number, act: () => Promise<void>) => this.#timers.push(setInterval(() => void act(), ms));
    every(everyMs, () => this.#readAll());
    every(PROBE_EVERY_MS, () => this.#probeAll());
    every(DIRTY_EVERY_MS, () => this.#readDirty());
    void this.#readDirty();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #readAll(): Promise<void> {
    await Promise.all(
      this.#pods
        .filter(({ current }) => current.running)
        .map((pod) => this.#read(pod.current.pid, this.#courses.get(pod), pod)),
    );
    if (this.#serverPid !== null) await this.#read(this.#serverPid, this.server, { calm: true });
  }

  async #read(pid: number, course: Course | undefined, from: { readonly calm: boolean }): Promise<void> {
    const calmBefore = from.calm;
    const reading = await readProcess(pid);
    if (reading === null) return;
    if (course !== this.server) this.residentKiBMax = Math.max(this.residentKiBMax, reading.residentKiB);
    if (course === undefined || !calmBefore || !from.calm) return;
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

  /** Strikes go on meanwhile: who does not answer is asked again at the next round. */
  async #probeAll(): Promise<void> {
    for (const pod of this.#pods.filter(({ calm, current }) => calm && current.running)) {
      const { api } = pod.current;
      const asked = ['/healthz', '/readyz', '/metrics'].map((path) => api.probe(path).catch(() => null));
      this.requests += asked.length;
      void asked[2]!.then((page) => {
        const bytes = page === null ? 0 : metricOf(page.text, 'nodejs_heap_size_used_bytes');
        if (bytes > 0) this.#courses.get(pod)?.heapKiB.push({ minutes: this.#minutes(), value: bytes / 1024 });
      });
    }
  }

  #minutes(): number {
    return (monoMs() - this.#startMs) / 60_000;
  }
}

/** The sum of a metric's series in Prometheus' text format. */
export function metricOf(page: string, name: string): number {
  return page
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

function emptyCourse(name: string): Course {
  return { name, anonymousKiB: [], descriptors: [], threads: [], privateDirtyKiB: [], heapKiB: [] };
}

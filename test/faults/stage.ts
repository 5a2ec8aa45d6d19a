import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../cluster/replica/clock.ts';
import type { Replica } from '../cluster/replica/replica.ts';
import type { Scene, StartOptions } from '../cluster/replica/scene.ts';
import { until } from '../cluster/replica/until.ts';
import type { Stage } from './fault.ts';
import { type Entry, historyOf } from './history.ts';

const REPLICAS = 3;
const START_TIMEOUT_MS = 30_000;

/** The stage of one scene: its three pods, each with the process that runs in it now, and what was noted. */
export class ScenePods implements Stage {
  readonly scene: Scene;
  readonly #pods: Replica[] = [];
  readonly #marks: Entry[] = [];
  readonly #undo: (() => void | Promise<void>)[] = [];
  #start: (index: number) => StartOptions = () => ({});

  constructor(scene: Scene) {
    this.scene = scene;
  }

  /** Starts the replicas; resolves when all watch the Lease and one leads. */
  async raise(start: (index: number) => StartOptions = () => ({})): Promise<void> {
    this.#start = start;
    await this.scene.shipLease();
    for (let index = 0; index < REPLICAS; index++) this.#pods.push(await this.scene.startReplica(start(index)));
    await Promise.all(this.#pods.map((replica) => replica.untilWatching(START_TIMEOUT_MS)));
    await this.scene.untilLeader();
  }

  leader(): Replica {
    const leader = this.#pods.find(({ leading }) => leading);
    if (leader === undefined) throw new Error('nobody leads');
    return leader;
  }

  standbys(): Replica[] {
    return this.running().filter(({ leading }) => !leading);
  }

  running(): Replica[] {
    return this.#pods.filter(({ running }) => running);
  }

  async restart(replica: Replica): Promise<Replica> {
    const index = this.#pods.indexOf(replica);
    if (index === -1) throw new Error(`${replica.name} is not the last process of its pod`);
    await replica.closed();
    const successor = await this.scene.startReplica({ ...this.#start(index), restartOf: replica });
    this.#pods[index] = successor;
    await successor.listening;
    return successor;
  }

  async untilAnotherLeads(than: Replica, timeoutMs = START_TIMEOUT_MS): Promise<Replica> {
    const sinceMs = monoMs();
    return until(`another than ${than.name} leads`, timeoutMs, () =>
      this.#pods.find((replica) => replica !== than && replica.leading && replica.answers.at(-1)!.sentMs >= sinceMs),
    );
  }

  /** Waits until every pod's process runs and answers a question asked from now on, and one says that it leads. */
  async untilWhole(timeoutMs: number): Promise<void> {
    const sinceMs = monoMs();
    await until('all answer, and one leads', timeoutMs, () => {
      const answered = this.#pods.every(({ running, answers }) => running && (answers.at(-1)?.sentMs ?? 0) >= sinceMs);
      return answered && this.#pods.some(({ leading }) => leading);
    });
  }

  async lasting(ms: number): Promise<void> {
    await sleep(ms);
  }

  defer(undo: () => void | Promise<void>): void {
    this.#undo.push(undo);
  }

  restoring(): void {
    this.mark({ t: monoMs(), type: 'restore' });
  }

  note(text: string): void {
    this.mark({ t: monoMs(), type: 'note', text });
  }

  mark(entry: Entry): void {
    this.#marks.push(entry);
  }

  history(): Entry[] {
    return historyOf(this.scene.replicas, this.#marks);
  }

  /** Ends all processes, and undoes what was deferred. */
  async close(): Promise<void> {
    await this.scene.close();
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }
}

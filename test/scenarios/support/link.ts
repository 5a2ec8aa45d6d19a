import type {
  Challenger,
  ElectionEvent,
  LeaseContent,
  LeaseRecord,
  RequestOutcome,
} from '../../../src/election/index.ts';
import type { LeasePort, WatchPort } from '../../../src/runner/runner.ts';
import type { MemoryLease } from './memory-lease.ts';
import type { ProcessTime, VirtualTime } from './virtual-time.ts';

/** One process's way to the store, with the delays and faults that a scenario sets. */
export class Link implements LeasePort {
  upMs = 1;
  downMs = 1;
  watchMs = 1;
  /** Nothing passes in either direction. */
  cut = false;
  /** Requests arrive and are carried out; their answers are lost. */
  losesAnswers = false;
  /** Refuses requests with this instead of carrying them out. */
  refuses: RequestOutcome | null = null;
  /** What was asked, in order. */
  readonly requests: string[] = [];
  readonly #time: VirtualTime;
  readonly #process: ProcessTime;
  readonly #store: MemoryLease;

  constructor(time: VirtualTime, process: ProcessTime, store: MemoryLease) {
    this.#time = time;
    this.#process = process;
    this.#store = store;
  }

  read(timeoutMs: number): Promise<RequestOutcome> {
    return this.#ask('read', timeoutMs, () => this.#store.read());
  }

  create(content: LeaseContent, timeoutMs: number): Promise<RequestOutcome> {
    return this.#ask('create', timeoutMs, () => this.#store.create(content));
  }

  update(base: LeaseRecord, content: LeaseContent, timeoutMs: number): Promise<RequestOutcome> {
    return this.#ask('update', timeoutMs, () => this.#store.update(base, content));
  }

  challenge(base: LeaseRecord, challenger: Challenger, timeoutMs: number): Promise<RequestOutcome> {
    return this.#ask('challenge', timeoutMs, () => this.#store.challenge(base, challenger));
  }

  #ask(what: string, timeoutMs: number, carryOut: () => RequestOutcome): Promise<RequestOutcome> {
    this.requests.push(what);
    return new Promise((resolve) => {
      const timeout = this.#process.after(timeoutMs, () => resolve({ kind: 'unknown', code: 'timeout' }));
      this.#time.after(this.upMs, () => {
        if (this.cut) return;
        const outcome = this.refuses ?? carryOut();
        this.#time.after(this.downMs, () => {
          if (this.cut || this.losesAnswers) return;
          this.#process.arrive(() => {
            timeout.cancel();
            resolve(outcome);
          });
        });
      });
    });
  }

  /** A watch that lists, then follows, and goes silent while the link is cut, until it is restarted. */
  watch(dispatch: (event: ElectionEvent) => void): WatchPort {
    let run = 0;
    let unsubscribe = () => {};
    const begin = () => {
      unsubscribe();
      run += 1;
      const mine = run;
      const tell = (event: ElectionEvent) => {
        this.#time.after(this.watchMs, () => {
          if (!this.cut && mine === run) this.#process.arrive(() => dispatch(event));
        });
      };
      const { record, version } = this.#store;
      tell(
        record === null ? { kind: 'absent', resourceVersion: version } : { kind: 'observed', source: 'list', record },
      );
      tell({ kind: 'watching', up: true });
      const watcher = (event: { kind: 'observed' | 'deleted'; record: LeaseRecord }) =>
        tell(
          event.kind === 'deleted'
            ? { kind: 'deleted', record: event.record }
            : { ...event, kind: 'observed', source: 'watch' },
        );
      this.#store.watchers.add(watcher);
      unsubscribe = () => void this.#store.watchers.delete(watcher);
    };
    this.heal = () => {
      this.cut = false;
      dispatch({ kind: 'watching', up: false });
      begin();
    };
    return {
      start: begin,
      stop: () => {
        unsubscribe();
        run += 1;
      },
      restart: begin,
    };
  }

  /** Ends a partition: the watch, which noticed, begins anew. */
  heal: () => void = () => {};
}

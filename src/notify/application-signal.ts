import type { Leadership, StopContext } from '../leadership/leadership.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import { delay } from '../ports/delay.ts';
import type { Logger } from '../ports/log.ts';
import type { NotifyMetrics } from '../ports/notify-metrics.ts';
import { kernelProcessTable, type ProcessId, type ProcessTable } from './process-table.ts';

/** What may be done to processes; outside of tests it is Node's. */
export interface Signaller {
  /** This process, which is never signalled. */
  readonly ownPid: number;
  /** @throws an error with Node's `code`: `EPERM`, `ESRCH` */
  kill(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface ApplicationSignalOptions {
  readonly processName: string;
  /** From SIGTERM to SIGKILL; less where the term's end leaves less. */
  readonly graceMs: number;
  /** How long work may run on after a loss. */
  readonly lossMsMax: number;
  readonly signaller: Signaller;
  /** @defaultValue the kernel's */
  readonly processes?: ProcessTable;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly metrics: NotifyMetrics;
}

const LOOK_EVERY_MS = 20;
/** A killed process needs a moment to be gone, and those after it in the stop order need some, too: a fifth of what there is. */
const RESERVE_MS_MAX = 1_000;
const allButReserve = (leftMs: number): number => leftMs - Math.min(RESERVE_MS_MAX, leftMs / 5);

/**
 * Ends the application when a term ends: SIGTERM, and SIGKILL for what still lives when the grace is over. The kubelet starts its
 * container anew, and it comes up as a standby. At this process' own SIGTERM too: as a native sidecar it finds nobody left then,
 * but where its container alone is restarted, the Lease is about to be freed beside an application that still works.
 */
export class ApplicationSignal {
  readonly #options: ApplicationSignalOptions;
  readonly #processes: ProcessTable;
  readonly #hooks: (() => void)[];
  #ending: Promise<void> | null = null;

  constructor(options: ApplicationSignalOptions) {
    this.#options = options;
    this.#processes = options.processes ?? kernelProcessTable;
    const { leadership, signaller, processName, log, clock, lossMsMax } = options;
    if (signaller.ownPid === 1) {
      log.warn(
        { code: 'SIGNAL_NAMESPACE_OWN', process: processName, remedy: SHARE },
        'no other container’s processes can be seen from here',
      );
    }
    this.#hooks = [
      leadership.onStop('notify', (context) => this.#stop(context)),
      leadership.subscribe(({ kind, reason }) => {
        // The application may start after this process, but whoever begins to lead should have one.
        if (kind === 'started' && this.#find()?.length === 0) this.#warnOfNone('can be found');
        // The election has failed: nobody runs what stops work any more.
        if (kind === 'stopped' && reason === 'failed') {
          void this.#stop({ graceful: false, reason, untilMonoMs: clock.now().monoMs + lossMsMax });
        }
      }),
    ];
  }

  /** Resolves when what it has begun is done. */
  async close(): Promise<void> {
    for (const unhook of this.#hooks) unhook();
    await this.#ending;
  }

  #stop({ reason, untilMonoMs }: StopContext): Promise<void> {
    this.#ending = this.#end(reason, untilMonoMs);
    return this.#ending;
  }

  async #end(reason: string, untilMonoMs: number): Promise<void> {
    const { graceMs, lossMsMax, leadership, clock, log, metrics } = this.#options;
    const sinceMonoMs = clock.now().monoMs;
    const leftMs = Math.max(0, untilMonoMs - sinceMonoMs);
    let killAtMonoMs = sinceMonoMs + Math.min(graceMs, allButReserve(leftMs));
    // What is handed over may be lost before it is freed: then others lead soon.
    let lost = leadership.workValidForMs() === 0;
    const killAt = () => {
      if (!lost && leadership.workValidForMs() === 0) {
        lost = true;
        killAtMonoMs = Math.min(killAtMonoMs, clock.now().monoMs + allButReserve(lossMsMax));
      }
      return killAtMonoMs;
    };
    const found = await this.#findBy(killAt);
    if (found === null) {
      metrics.ended('signal', 'stopped', 'failed');
      return;
    }
    if (found.length === 0) {
      if (reason === 'shutdown') return;
      metrics.ended('signal', 'stopped', 'no-process');
      return this.#warnOfNone('was found to end');
    }
    const told = found.filter((each) => this.#kill(each, 'SIGTERM'));
    if (told.length === 0) return;
    log.info({ code: 'APPLICATION_TERMINATED', reason, pids: pidsOf(told) }, 'sent SIGTERM to the application');
    const stubborn = await this.#survivors(told, killAt);
    const afterMs = Math.round(clock.now().monoMs - sinceMonoMs);
    const killed = stubborn.filter((each) => this.#kill(each, 'SIGKILL'));
    if (killed.length > 0) {
      log.warn(
        { code: 'APPLICATION_KILLED', reason, pids: pidsOf(killed), afterMs },
        'the application had not ended: sent SIGKILL',
      );
      await this.#survivors(killed, () => untilMonoMs);
    }
    metrics.ended('signal', 'stopped', stubborn.length > 0 ? 'killed' : 'delivered');
    metrics.delivered('signal', clock.now().monoMs - sinceMonoMs);
  }

  /** Waits until all have ended, no longer than until then, and returns those that have not. */
  async #survivors(processes: readonly ProcessId[], until: () => number): Promise<readonly ProcessId[]> {
    const { clock, timers } = this.#options;
    const living = (each: ProcessId) => this.#processes.lives(each);
    let rest = processes.filter(living);
    for (
      let leftMs = until() - clock.now().monoMs;
      rest.length > 0 && leftMs > 0;
      leftMs = until() - clock.now().monoMs
    ) {
      await delay(Math.min(LOOK_EVERY_MS, leftMs), timers);
      rest = rest.filter(living);
    }
    return rest;
  }

  /** Tries until then where the table of processes can't be read; null when it never could. */
  async #findBy(until: () => number): Promise<ProcessId[] | null> {
    const { clock, timers, log, processName } = this.#options;
    for (;;) {
      const found = this.#find();
      if (found !== null) return found;
      const leftMs = until() - clock.now().monoMs;
      if (leftMs <= 0) break;
      await delay(Math.min(LOOK_EVERY_MS, leftMs), timers);
    }
    log.error(
      { code: 'SIGNAL_FAILED', process: processName, remedy: READ },
      'the application can’t be signalled: the table of processes can’t be read',
    );
    return null;
  }

  /** Null where the table of processes can't be read now. */
  #find(): ProcessId[] | null {
    const { processName, signaller } = this.#options;
    try {
      return this.#processes.named(processName).filter(({ pid }) => pid !== signaller.ownPid);
    } catch {
      return null;
    }
  }

  /** Whether the signal was sent, or nobody is left who needs it. */
  #kill(target: ProcessId, signal: 'SIGTERM' | 'SIGKILL'): boolean {
    const { signaller, log, metrics, processName } = this.#options;
    try {
      if (this.#processes.lives(target)) signaller.kill(target.pid, signal);
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ESRCH') return true;
      metrics.ended('signal', 'stopped', 'failed');
      log.error(
        { code: 'SIGNAL_FAILED', process: processName, pid: target.pid, signal, remedy: PERMIT },
        `the application can't be signalled: ${message}`,
      );
      return false;
    }
  }

  #warnOfNone(what: string): void {
    const { log, processName } = this.#options;
    log.warn(
      { code: 'SIGNAL_NO_PROCESS', process: processName, remedy: SHARE },
      `no process named ${processName} ${what}`,
    );
  }
}

const SHARE =
  'set shareProcessNamespace: true in the pod, and LEASEGATE_NOTIFY_SIGNAL_PROCESS to the name in /proc/<pid>/comm (of a script that its interpreter was given, the interpreter’s)';
const READ = 'look at this process’ limit of open files, and at /proc';
const PERMIT = 'run both containers as the same user (runAsUser), or give this one the capability KILL';

function pidsOf(processes: readonly ProcessId[]): number[] {
  return processes.map(({ pid }) => pid);
}

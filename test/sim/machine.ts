import type { Clock, Instant, Timer, Timers } from '../../src/ports/clock.ts';
import type { Scheduled, World } from './world.ts';

/**
 * The computer that one process runs on: its clocks (both driven by one oscillator of a rate of its own), its timers, and
 * whether the process runs at the moment. While it does not, everything that is due for it waits.
 */
export class Machine implements Clock, Timers {
  readonly #world: World;
  readonly rate: number;
  #monoBaseMs: number;
  #trueBaseMs: number;
  #wallOffsetMs: number;
  #running = true;
  #ended = false;
  /** The monotonic clock stands still while the machine is suspended; while it is frozen, the wall clock does, too. */
  #standsStill: 'suspended' | 'frozen' | null = null;
  #waiting: (() => void)[] = [];
  #pending = new Set<() => void>();

  constructor(world: World, options: { rate: number; monoMs: number; wallMs: number }) {
    this.#world = world;
    this.rate = options.rate;
    this.#monoBaseMs = options.monoMs;
    this.#trueBaseMs = world.nowMs;
    this.#wallOffsetMs = options.wallMs - options.monoMs;
  }

  /** Whether the process can do anything at this moment. */
  get running(): boolean {
    return this.#running && !this.#ended;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** SIGKILL, power failure, or a proper exit: nothing reaches this process any more. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
  }

  now(): Instant {
    const monoMs = this.#monoMs();
    return { monoMs, wallMs: Math.floor(monoMs + this.#wallOffsetMs) };
  }

  after(delayMs: number, callback: () => void): Timer {
    // As Node's timers do: whole milliseconds, at least one.
    const dueMonoMs = this.#monoMs() + Math.max(1, Math.ceil(delayMs));
    let scheduled: Scheduled | null = null;
    const arm = () => {
      scheduled?.cancel();
      if (this.#standsStill !== null) return;
      scheduled = this.#world.at(this.#world.nowMs + (dueMonoMs - this.#monoMs()) / this.rate, fire);
    };
    const fire = () => {
      this.#pending.delete(arm);
      this.deliver(() => {
        if (scheduled !== null) callback();
      });
    };
    this.#pending.add(arm);
    arm();
    return {
      cancel: () => {
        this.#pending.delete(arm);
        scheduled?.cancel();
        scheduled = null;
      },
    };
  }

  /** Gives the process something to do: now, or when it runs again. */
  deliver(action: () => void): void {
    if (this.#ended) return;
    if (this.#running) {
      this.#world.stirred = true;
      action();
    } else this.#waiting.push(action);
  }

  /** SIGSTOP: the process stands still, its clocks go on. */
  stop(): void {
    this.#running = false;
  }

  /** The machine is suspended: nothing runs, the monotonic clock stands still, the wall clock will have gone on. */
  suspend(): void {
    this.#haltClocks('suspended');
  }

  /** A hypervisor stops the machine, and all its clocks with it: it can't find out. */
  freeze(): void {
    this.#haltClocks('frozen');
  }

  get frozen(): boolean {
    return this.#standsStill === 'frozen';
  }

  /** Goes on. What has become due meanwhile runs in a later step: a question that comes first is answered first. */
  resume(): void {
    if (this.#standsStill !== null) {
      if (this.#standsStill === 'suspended') this.#wallOffsetMs += this.#world.nowMs - this.#trueBaseMs;
      this.#trueBaseMs = this.#world.nowMs;
      this.#standsStill = null;
      for (const arm of [...this.#pending]) arm();
    }
    this.#running = true;
    const waiting = this.#waiting.splice(0);
    for (const action of waiting) this.#world.after(0.01, () => this.deliver(action));
  }

  /** Somebody sets the wall clock. */
  stepWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  #monoMs(): number {
    if (this.#standsStill !== null) return this.#monoBaseMs;
    return this.#monoBaseMs + (this.#world.nowMs - this.#trueBaseMs) * this.rate;
  }

  #haltClocks(how: 'suspended' | 'frozen'): void {
    this.#monoBaseMs = this.#monoMs();
    this.#trueBaseMs = this.#world.nowMs;
    this.#running = false;
    this.#standsStill = how;
    for (const arm of [...this.#pending]) arm();
  }
}

/** In lease durations: how long whoever did not take what was handed over is not offered it again. Doubled each time. */
const LEASE_DURATIONS_MIN = 20;
const DOUBLINGS_MAX = 6;

interface Refusal {
  untilMonoMs: number;
  times: number;
}

/** Who did not take which elections. Whoever goes on like this is asked ever more rarely. */
export class Refusals {
  readonly #leaseDurationMs: number;
  readonly #byMember = new Map<string, Map<string, Refusal>>();

  constructor(leaseDurationMs: number) {
    this.#leaseDurationMs = leaseDurationMs;
  }

  refused(election: string, member: string, nowMonoMs: number): void {
    const refusals = this.#byMember.get(member) ?? new Map<string, Refusal>();
    const times = refusals.get(election)?.times ?? 0;
    const leaseDurations = LEASE_DURATIONS_MIN * 2 ** Math.min(times, DOUBLINGS_MAX);
    refusals.set(election, { untilMonoMs: nowMonoMs + leaseDurations * this.#leaseDurationMs, times: times + 1 });
    this.#byMember.set(member, refusals);
  }

  took(election: string, member: string): void {
    this.#byMember.get(member)?.delete(election);
  }

  /** Whether it is not to be offered that one now. */
  has(election: string, member: string, nowMonoMs: number): boolean {
    return nowMonoMs < (this.#byMember.get(member)?.get(election)?.untilMonoMs ?? Number.NEGATIVE_INFINITY);
  }

  /** Forgets whoever is no member. */
  forgetAllBut(members: { has(identity: string): boolean }): void {
    for (const member of this.#byMember.keys()) if (!members.has(member)) this.#byMember.delete(member);
  }

  /** All that hold now, as text: it changes with them. */
  key(nowMonoMs: number): string {
    return [...this.#byMember]
      .map(([member, refusals]) =>
        [member, ...[...refusals.keys()].filter((election) => this.has(election, member, nowMonoMs))].join(' '),
      )
      .join();
  }
}

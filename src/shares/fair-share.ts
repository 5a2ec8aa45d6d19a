import { type ElectionControl, wouldLead } from '../leadership/control.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Membership } from '../ports/membership.ts';
import { Crashes } from './crashes.ts';
import { Holders } from './holders.ts';
import { type Move, planShares, type SharedLease, type SharePlan } from './plan.ts';
import { Refusals } from './refusals.ts';
import { type Sharers, sharersOf } from './sharers.ts';

export interface SharedElection {
  readonly leadership: Leadership;
  readonly control: Pick<ElectionControl, 'stepDown' | 'standBack' | 'candidacy'>;
}

export interface FairShareOptions {
  readonly elections: readonly SharedElection[];
  readonly membership: Membership;
  readonly leaseDurationMs: number;
  readonly retryPeriodMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
}

/** A hand-over by this replica; `endedMonoMs`: when the Lease was freed. */
interface HandOver extends Move {
  endedMonoMs: number | null;
}

/**
 * Spreads elections over the members. What becomes free is left to whom the plan gives it, for a while; what is led too much is
 * handed over, one election at a time, once the members, and what each would lead, have not changed for a lease duration.
 */
export class FairShare {
  readonly #options: FairShareOptions;
  readonly #me: string;
  readonly #holders = new Holders();
  readonly #refusals: Refusals;
  readonly #crashes: Crashes;
  #timer: Timer | null = null;
  #startedMonoMs = 0;
  #sharers: Sharers = { all: new Map(), complete: false };
  /** Who they are and what each would lead, as text. */
  #members = '';
  #membersSinceMonoMs = 0;
  #jitterMs = 0;
  /** The members have been seen, this one among them. */
  #known = false;
  #handOver: HandOver | null = null;
  #plan: { readonly key: string; readonly plan: SharePlan } | null = null;

  constructor(options: FairShareOptions) {
    this.#options = options;
    this.#me = options.elections[0]!.leadership.identity;
    this.#refusals = new Refusals(options.leaseDurationMs);
    this.#crashes = new Crashes(options.leaseDurationMs);
  }

  start(): void {
    this.#startedMonoMs = this.#options.clock.now().monoMs;
    this.#tick();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #tick(): void {
    const plan = this.#look();
    if (plan !== null) this.#act(plan);
    // No event is waited for: the plan says beforehand who is to claim what, and all else has time.
    this.#timer = this.#options.timers.after(this.#options.retryPeriodMs / 2, () => this.#tick());
  }

  /** Takes the present view in, and stands back from what is another's; null while too little is known for a plan. */
  #look(): SharePlan | null {
    const { elections, clock } = this.#options;
    const nowMonoMs = clock.now().monoMs;
    this.#followHandOver(nowMonoMs);
    const leases = elections.map(({ leadership }) => {
      const { name } = leadership.lease();
      // What is being handed over is the next one's already, whatever its Lease says yet.
      const isLeaving = this.#handOver?.election === name;
      const holder = isLeaving ? this.#handOver!.to : (leadership.leader()?.identity ?? null);
      return this.#holders.note(name, holder, nowMonoMs);
    });
    this.#noteMembers(nowMonoMs);
    if (!this.#known) {
      this.#awaitMembers(nowMonoMs);
      return null;
    }
    const plan = this.#planOf(leases, nowMonoMs);
    for (const { leadership, control } of elections) {
      const heir = plan.heirs.get(leadership.lease().name);
      control.standBack(heir !== undefined && heir !== this.#me);
    }
    return plan;
  }

  /** Made anew only where something has changed: with hundreds of members it takes a while. */
  #planOf(elections: readonly SharedLease[], nowMonoMs: number): SharePlan {
    const held = elections.map(({ holder, former }) => `${holder} ${former}`);
    const members = [...this.#sharers.all.keys()];
    const leaving = new Set(members.filter((member) => this.#mayBeLeaving(member)));
    const unsettled = new Set(members.filter((member) => this.#isUnsettled(member, nowMonoMs)));
    const refused = this.#refusals.key(nowMonoMs);
    const key = [...held, this.#members, '', ...leaving, '', ...unsettled, '', refused].join('\n');
    if (this.#plan?.key === key) return this.#plan.plan;
    const refuses = (election: string, member: string) =>
      unsettled.has(member) ||
      !this.#sharers.all.get(member)!.campaigns.has(election) ||
      this.#refusals.has(election, member, nowMonoMs);
    const plan = planShares({ elections, members, leaving, refuses });
    this.#plan = { key, plan };
    return plan;
  }

  /** Its predecessors crashed: it is given nothing yet. */
  #isUnsettled(member: string, nowMonoMs: number): boolean {
    return this.#crashes.unsettled(this.#sharers.all.get(member)!.pod, nowMonoMs);
  }

  /** It gave something up, or let it run out, and was not heard of since. */
  #mayBeLeaving(member: string): boolean {
    return this.#holders.gaveUpSince(member, this.#sharers.all.get(member)?.heardMonoMs ?? Number.NEGATIVE_INFINITY);
  }

  #noteMembers(nowMonoMs: number): void {
    const { elections, membership, random, retryPeriodMs } = this.#options;
    const { members: answered, watching } = membership.answer();
    const own = {
      identity: this.#me,
      campaigns: elections.flatMap(({ leadership, control }) =>
        wouldLead(control.candidacy()) ? leadership.lease().name : [],
      ),
      elections: elections.map(({ leadership }) => leadership.lease().name),
    };
    if (watching) this.#crashes.note(answered, nowMonoMs);
    this.#sharers = sharersOf(answered, own, nowMonoMs);
    const { all, complete } = this.#sharers;
    this.#holders.forgetAllBut(all);
    this.#refusals.forgetAllBut(new Set(answered.map(({ candidate }) => candidate)));
    const members = [complete, ...[...all].map(([identity, { campaigns }]) => `${identity} ${[...campaigns]}`)].join(
      '\n',
    );
    if (watching && members === this.#members) return;
    this.#members = members;
    this.#membersSinceMonoMs = nowMonoMs;
    this.#jitterMs = random() * retryPeriodMs;
  }

  /** At the start the others may come at the same time. Where members can't be seen, nobody is waited for in vain for ever. */
  #awaitMembers(nowMonoMs: number): void {
    const { elections, leaseDurationMs, retryPeriodMs } = this.#options;
    const settled = nowMonoMs - this.#membersSinceMonoMs >= retryPeriodMs / 2;
    this.#known = settled && this.#sharers.all.has(this.#me);
    const waits = nowMonoMs - this.#startedMonoMs < leaseDurationMs;
    for (const { control } of elections) control.standBack(waits);
  }

  #act(plan: SharePlan): void {
    const { elections, membership, clock, log, leaseDurationMs, retryPeriodMs } = this.#options;
    const nowMonoMs = clock.now().monoMs;
    const membersSettled = nowMonoMs - this.#membersSinceMonoMs >= leaseDurationMs + this.#jitterMs;
    const holdersSettled = nowMonoMs - this.#holders.changedMonoMs >= retryPeriodMs + this.#jitterMs;
    // Whoever leads elections that are not known here would give some back.
    if (!this.#sharers.complete) return;
    if (this.#handOver !== null || !membersSettled || !holdersSettled) return;
    // One that was only found may be long dead.
    const confirmed = new Set(
      membership.answer().members.flatMap((one) => (one.confirmed ? (one.candidate ?? []) : [])),
    );
    const move = plan.moves.find(({ from, to }) => from === this.#me && confirmed.has(to) && !this.#mayBeLeaving(to));
    const election = move && elections.find(({ leadership }) => leadership.lease().name === move.election);
    if (move === undefined || !election?.leadership.isLeader()) return;
    const handOver: HandOver = { ...move, endedMonoMs: null };
    this.#handOver = handOver;
    const { election: lease, to } = move;
    log.info({ code: 'SHARE_HANDED_OVER', lease, to }, 'leads more than its share, and hands one over');
    void election.control.stepDown({ immediate: false, to }).then(({ result }) => {
      if (result === 'released') handOver.endedMonoMs = clock.now().monoMs;
      else this.#handOver = null;
    });
  }

  /** Whether the next one took it: whoever did not is not asked again soon. */
  #followHandOver(nowMonoMs: number): void {
    const { elections, log, leaseDurationMs } = this.#options;
    if (this.#handOver === null || this.#handOver.endedMonoMs === null) return;
    const { election: lease, to, endedMonoMs } = this.#handOver;
    const leader = elections.find(({ leadership }) => leadership.lease().name === lease)!.leadership.leader();
    if (leader === null && nowMonoMs - endedMonoMs < leaseDurationMs) return;
    this.#handOver = null;
    if (leader?.identity === to) return this.#refusals.took(lease, to);
    this.#refusals.refused(lease, to, nowMonoMs);
    log.info({ code: 'SHARE_NOT_TAKEN', lease, to }, 'the replica that was named did not come');
  }
}

import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import {
  type CandidateApi,
  type CandidateStanding,
  type CandidateStore,
  COORDINATION_FLAGS,
} from '../ports/lease-candidates.ts';
import type { Logger } from '../ports/log.ts';
import type { CandidateReport } from './candidate.ts';
import { CandidateLoop } from './candidate-loop.ts';
import { removePredecessors } from './predecessors.ts';

export interface CoordinationOptions {
  /** Asks what the API server offers. */
  readonly openApi: () => Promise<CandidateApi>;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
  /** The API server serves no candidates: nobody is ever chosen, and the process should end. */
  readonly onUnavailable: () => void;
}

/** This replica's part in an election that the API server decides, beside its Lease. */
export interface Coordination extends CandidateStanding {
  /** Begins to ask the API server what it offers. */
  start(): void;
  /** For the runner: from when on this replica is to be a candidate; infinite for never. */
  stand(atMonoMs: number): void;
  /** Withdraws the candidate and ends. Resolves within `limitMs`. */
  leave(limitMs: number): Promise<void>;
}

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 15_000;
/** Of the shutdown: what can't be deleted by then is forgotten after half an hour, and answers no question meanwhile. */
const WITHDRAWAL_MS_MAX = 2_000;
/** Longer than a lease duration and two rounds of the API server's, of 5 s each. */
const IDLE_MS_MAX = 60_000;
const PREDECESSORS_TRIES_MAX = 8;

const REMEDY = `start every kube-apiserver (Kubernetes 1.33 or later) with ${COORDINATION_FLAGS}, or unset LEASEGATE_COORDINATED`;
const DELETED_REMEDY =
  'where it goes on, find out who deletes LeaseCandidates; Kubernetes itself deletes each whose owner it does not find: in a static pod POD_UID is not the uid that it knows, and has to be unset';
const RULE =
  '{"apiGroups":["coordination.k8s.io"],"resources":["leasecandidates"],"verbs":["create","get","list","watch","update","delete"]}';

/** Nothing is asked of the API server before it is started. */
export function createCoordination(options: CoordinationOptions): Coordination {
  const { openApi, leadership, clock, timers, random, log, onUnavailable } = options;
  let loop: CandidateLoop | null = null;
  let standsAtMonoMs = Number.POSITIVE_INFINITY;
  let pings = 0;
  let timer: Timer | null = null;
  let clearing: Timer | null = null;
  let ended = false;
  let unreachable = false;

  // Before the Lease is released: the API server would choose this replica again.
  leadership.onStop('publish', ({ untilMonoMs }) =>
    loop?.settled(Math.min(WITHDRAWAL_MS_MAX, untilMonoMs - clock.now().monoMs)),
  );

  async function discover(tries: number): Promise<void> {
    const found = await openApi();
    if (ended) return;
    switch (found.kind) {
      case 'served':
        return begin(found.store, found.version);
      case 'unserved':
        log.fatal(
          { code: 'COORDINATED_UNAVAILABLE', remedy: REMEDY },
          'the API server serves no LeaseCandidates, so that nobody would ever lead',
        );
        return onUnavailable();
      case 'failed': {
        if (!unreachable) {
          unreachable = true;
          const fields = { code: 'COORDINATED_UNKNOWN', failure: found.code };
          log.warn(fields, `it can't be told whether the API server serves LeaseCandidates: ${found.message}`);
        }
        const delayMs = Math.max(backoffMs(tries), found.retryAfterMs ?? 0);
        timer = timers.after(delayMs, () => void discover(tries + 1));
      }
    }
  }

  function begin(store: CandidateStore, version: string): void {
    const report = (what: CandidateReport) => {
      if (what.kind === 'answered') pings += 1;
      else logCandidate(log, { candidate: leadership.identity, api: version }, what);
    };
    loop = new CandidateLoop({ store, clock, timers, random, report });
    loop.stand(standsAtMonoMs);
    void clear(store, 0);
    look(null, false);
  }

  async function clear(store: CandidateStore, tries: number): Promise<void> {
    if (await removePredecessors(store, leadership.identity)) return;
    if (ended || tries + 1 === PREDECESSORS_TRIES_MAX) return;
    clearing = timers.after(backoffMs(tries), () => void clear(store, tries + 1));
  }

  /** With candidates and without a leader for long, nobody chooses. */
  function look(leaderlessSinceMonoMs: number | null, told: boolean): void {
    const leaderless = loop!.stands && leadership.leader() === null;
    const sinceMonoMs = leaderless ? (leaderlessSinceMonoMs ?? clock.now().monoMs) : null;
    const idle = sinceMonoMs !== null && clock.now().monoMs - sinceMonoMs >= IDLE_MS_MAX;
    if (idle && !told) {
      log.warn(
        { code: 'COORDINATED_IDLE', remedy: REMEDY },
        'this replica is a candidate, and for a minute nobody was chosen to lead: does the control plane choose?',
      );
    }
    timer = timers.after(IDLE_MS_MAX / 6, () => look(sinceMonoMs, idle));
  }

  return {
    start: () => void discover(0),
    stand: (atMonoMs) => {
      standsAtMonoMs = atMonoMs;
      loop?.stand(atMonoMs);
    },
    stands: () => loop?.stands ?? false,
    pingsAnswered: () => pings,
    leave: async (limitMs) => {
      ended = true;
      timer?.cancel();
      clearing?.cancel();
      await loop?.stop(limitMs);
    },
  };
}

function backoffMs(tries: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(tries, 10));
}

function logCandidate(
  log: Logger,
  own: { readonly candidate: string; readonly api: string },
  report: Exclude<CandidateReport, { readonly kind: 'answered' }>,
): void {
  switch (report.kind) {
    case 'standing':
      return log.info({ code: 'CANDIDATE', ...own }, 'stands as a candidate');
    case 'withdrawn':
      return log.info({ code: 'CANDIDATE_WITHDRAWN', ...own }, 'is no candidate any more');
    case 'deleted':
      return log.warn(
        { code: 'CANDIDATE_DELETED', ...own, remedy: DELETED_REMEDY },
        'the candidate was deleted by somebody else',
      );
    case 'failing': {
      const remedy =
        report.code === 'forbidden'
          ? `add this rule to the Role of the pod's service account: ${RULE}`
          : 'it is tried again';
      return log.warn({ code: 'CANDIDATE_FAILING', failure: report.code, remedy }, `can't stand: ${report.message}`);
    }
  }
}

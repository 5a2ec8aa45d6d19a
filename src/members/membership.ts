import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Random, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { MemberLeases } from '../ports/members.ts';
import type { Membership } from '../ports/membership.ts';
import type { CollectionReport } from './collection.ts';
import type { HeartbeatReport } from './heartbeat.ts';
import { HeartbeatLoop } from './heartbeat-loop.ts';
import { memberIdentity } from './naming.ts';
import { Roster, type RosterReport } from './roster.ts';

export interface MembershipOptions {
  /** Of the own Lease, as `memberLeaseName` makes it. */
  readonly leaseName: string;
  /** Must never repeat between two starts. */
  readonly start: string;
  /** Whole seconds. */
  readonly durationMs: number;
  readonly intervalMs: number;
  readonly leases: MemberLeases;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
}

/** The membership of this replica. */
export interface OwnMembership extends Membership {
  /** Begins to keep the own Lease and to follow the others'. */
  start(): void;
  /** Deletes the own Lease and watches no more. Resolves within `limitMs`. */
  leave(limitMs: number): Promise<void>;
}

const MEMBERS_MAX = 2_000;
/** In durations: how long the dead are shown before their Leases are collected, at most. */
const COLLECTION_DURATIONS = 3;
const FORBIDDEN_PAUSE_MS = 3_600_000;
/** All that members need. Their names hold a hash, so that a rule can't name them. */
const RULE =
  '{"apiGroups":["coordination.k8s.io"],"resources":["leases"],"verbs":["get","list","watch","create","update","delete"]}';

/** A Lease of this replica's own, and those of the others. Nothing is asked before it is started. */
export function createMembership(options: MembershipOptions): OwnMembership {
  const { leaseName, start, durationMs, intervalMs, leadership, log, ...ports } = options;
  const identity = memberIdentity(leaseName, start);
  const roster = new Roster({
    ...ports,
    leadership,
    observer: { durationMs, membersMax: MEMBERS_MAX },
    collection: {
      ownName: leaseName,
      periodMs: durationMs * COLLECTION_DURATIONS,
      forbiddenPauseMs: FORBIDDEN_PAUSE_MS,
    },
    report: (report) => logRoster(log, report),
  });
  const heartbeat = new HeartbeatLoop({
    ...ports,
    name: leaseName,
    ...{ identity, durationMs, intervalMs },
    report: (report) => logHeartbeat(log, { lease: leaseName, identity }, report),
  });
  return {
    start: () => {
      roster.start();
      heartbeat.start();
    },
    answer: () => roster.answer(),
    subscribe: (listener) => roster.subscribe(listener),
    leave: async (limitMs) => {
      roster.close();
      await heartbeat.stop(limitMs);
    },
  };
}

function logHeartbeat(
  log: Logger,
  own: { readonly lease: string; readonly identity: string },
  report: HeartbeatReport,
) {
  switch (report.kind) {
    case 'kept':
      return log.info({ code: 'MEMBER', ...own, tookOver: report.tookOver || undefined }, 'its heartbeat is kept');
    case 'overdue': {
      const fields = { code: 'MEMBER_OVERDUE', ...own, failure: report.code, remedy: remedyOf(report.code) };
      return log.warn(fields, `no heartbeat could be written: ${report.message}`);
    }
    case 'superseded':
      return log.warn(
        { code: 'MEMBER_SUPERSEDED', ...own, by: report.by, remedy: 'give each process a POD_NAME of its own' },
        'another process of the same pod name keeps the heartbeat: this one is silent while that one lives',
      );
  }
}

function logRoster(log: Logger, report: RosterReport | CollectionReport) {
  switch (report.kind) {
    case 'watch':
      if (report.failure === null) return log.info({ code: 'MEMBERS_WATCHED' }, 'the members are watched again');
      return log.warn(
        { code: 'MEMBERS_UNWATCHED', failure: report.failure.code, remedy: remedyOf(report.failure.code) },
        `the members can't be watched: ${report.failure.message}`,
      );
    case 'overflow':
      return log.warn({ code: 'MEMBERS_TOO_MANY', limit: MEMBERS_MAX }, 'there are more members than are looked at');
    case 'collected':
      return log.info(
        { code: 'MEMBER_COLLECTED', lease: report.lease.name, identity: report.lease.holder },
        'the Lease of a dead member was deleted',
      );
    case 'forbidden':
      return log.info(
        { code: 'MEMBER_KEPT_BACK', remedy: remedyOf('forbidden') },
        'the Leases of dead members may not be deleted here: Kubernetes does it when their pods are deleted',
      );
  }
}

function remedyOf(code: string): string {
  return code === 'forbidden'
    ? `unless an admission policy forbids it on purpose: add this rule to the Role of the pod's service account: ${RULE}`
    : 'it is tried again';
}

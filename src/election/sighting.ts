import { isAssignment } from './coordinated.ts';
import { isPredecessor } from './identity.ts';
import { compareResourceVersions, isSameTerm, type LeaseRecord, sameRenewal } from './record.ts';
import type { ElectionConfig, ElectionState, KnownSighting, Rewind, Sighting } from './state.ts';
import type { Instant } from './timing.ts';

/** How long a record is valid without a renewal: its own duration, or ours when it carries none. */
export function recordDurationMs(record: LeaseRecord, config: ElectionConfig): number {
  return record.leaseDurationMs > 0 ? record.leaseDurationMs : config.timings.leaseDurationMs;
}

/**
 * The timer runs on while the same renewal is seen, and starts anew on any other. Remote times are never looked at.
 * `gapless`: no state between the last one that was seen and this one was missed.
 */
export function sight(
  before: Sighting,
  record: LeaseRecord,
  config: ElectionConfig,
  now: Instant,
  gapless: boolean,
): Sighting {
  const unchanged = before.kind === 'present' && sameRenewal(before.record, record);
  const sinceMonoMs = unchanged ? before.sinceMonoMs : now.monoMs;
  const sameTerm = before.kind === 'present' && isSameTerm(before.record, record);
  const termSinceMonoMs = sameTerm ? before.termSinceMonoMs : now.monoMs;
  const known = lastKnown(before);
  const rewind = rewindOf(known, record, config, now);
  return {
    kind: 'present',
    record,
    sinceMonoMs,
    termSinceMonoMs,
    rewind,
    formerUntilMonoMs: Math.max(
      formerUntilMonoMs(known, record, config, now),
      displacedUntilMonoMs(known, record, config, now, gapless),
    ),
  };
}

/**
 * A Lease that was deleted and made anew, free perhaps, says nothing of who held the one before: its claim is waited out as if
 * the Lease were missing still.
 */
function formerUntilMonoMs(
  before: KnownSighting | null,
  record: LeaseRecord,
  config: ElectionConfig,
  now: Instant,
): number {
  switch (before?.kind) {
    case undefined:
      return Number.NEGATIVE_INFINITY;
    case 'absent':
      return before.claimableAtMonoMs;
    case 'present':
      if (isReleased(before.record, record, config)) return Number.NEGATIVE_INFINITY;
      if (before.record.uid === record.uid) return before.formerUntilMonoMs;
      return now.monoMs + Math.max(config.timings.leaseDurationMs, recordDurationMs(before.record, config));
  }
}

/** In a coordinated election nobody is at work after a release: whoever writes it has waited for all who led before. */
function isReleased(before: LeaseRecord, record: LeaseRecord, { coordinated }: ElectionConfig): boolean {
  return coordinated === true && before.uid === record.uid && before.holder !== '' && record.holder === '';
}

/**
 * In a coordinated election: until when whoever was displaced by this record's holder may still be at work, since it was by
 * wall clocks that it was judged to be dead. Where states were missed it is not known who that was.
 */
function displacedUntilMonoMs(
  before: KnownSighting | null,
  record: LeaseRecord,
  config: ElectionConfig,
  now: Instant,
  gapless: boolean,
): number {
  if (config.coordinated !== true || record.holder === '') return Number.NEGATIVE_INFINITY;
  const present = before?.kind === 'present' ? before : null;
  if (!gapless) {
    if (present !== null && sameRenewal(present.record, record)) return Number.NEGATIVE_INFINITY;
    const durationMs = present === null ? 0 : recordDurationMs(present.record, config);
    return now.monoMs + Math.max(config.timings.leaseDurationMs, durationMs);
  }
  const displaces = present !== null && present.record.holder !== '' && present.record.holder !== record.holder;
  return displaces ? present.sinceMonoMs + recordDurationMs(present.record, config) : Number.NEGATIVE_INFINITY;
}

/** It is not known any more what the store holds: only a look can tell. */
export function doubt(before: Sighting): Sighting {
  return { kind: 'unknown', former: lastKnown(before) };
}

function lastKnown(sighting: Sighting): KnownSighting | null {
  return sighting.kind === 'unknown' ? sighting.former : sighting;
}

/**
 * An etcd that was restored shows a record of the past, free perhaps, or our own, while the holder of the last one that was
 * known is still at work: its claim is waited out. It is over when the known version is seen again: then the read was stale.
 */
function rewindOf(
  before: KnownSighting | null,
  record: LeaseRecord,
  config: ElectionConfig,
  now: Instant,
): Rewind | null {
  if (before === null) return null;
  const present = before.kind === 'present' ? before : null;
  const knownVersion = present?.rewind?.knownVersion ?? versionOf(before);
  if (knownVersion === null || compareResourceVersions(record.resourceVersion, knownVersion) >= 0) return null;
  if (present?.rewind && !isOutdated(before, record)) return present.rewind;
  const durationsMs = [record, ...(present ? [present.record] : [])].map((each) => recordDurationMs(each, config));
  return { knownVersion, untilMonoMs: now.monoMs + Math.max(config.timings.leaseDurationMs, ...durationsMs) };
}

/** Whether a record is older than what is known already. Different Leases' versions compare, too. */
export function isOutdated(before: Sighting, record: LeaseRecord): boolean {
  const known = versionOf(before);
  return known !== null && compareResourceVersions(record.resourceVersion, known) < 0;
}

function versionOf(sighting: Sighting): string | null {
  switch (sighting.kind) {
    case 'unknown':
      return null;
    case 'absent':
      return sighting.resourceVersion;
    case 'present':
      return sighting.record.resourceVersion;
  }
}

/** Whether a record is newer than what is known. */
export function isNews(before: Sighting, record: LeaseRecord): boolean {
  if (before.kind !== 'present') return before.kind === 'absent';
  return compareResourceVersions(record.resourceVersion, before.record.resourceVersion) > 0;
}

/**
 * The watch saw the Lease go, and `record` is its last state: only that record's holder can still be at work, until its
 * own duration is over.
 */
export function sightDeletion(before: Sighting, record: LeaseRecord, known: OwnWrites, now: Instant): Sighting {
  const claimableMonoMs = claimableAtMonoMs(sight(before, record, known.config, now, true), known);
  const { resourceVersion } = record;
  return { kind: 'absent', claimableAtMonoMs: claimableMonoMs, confirmedAtMonoMs: now.monoMs, resourceVersion };
}

/**
 * Longest time between two looks at a missing Lease over which the wait goes on: room for one look that was refused, or that
 * hung until its timeout. What was created and deleted within it is told by the watch; with none, a replica that created it in there,
 * was cut off and had it deleted goes unseen.
 */
function absenceGapMsMax(config: ElectionConfig): number {
  return 4 * config.timings.retryPeriodMs + 500;
}

/**
 * A listing as of `resourceVersion`, or a read (null), found nothing. What the Lease said last is not known: it may have been
 * renewed, taken, or even created and deleted since it was last looked at here. So a whole duration is waited out: a holder
 * that still believes it leads has stopped by then. While the Lease is looked at often enough, the wait goes on; after a gap
 * it begins anew.
 */
export function sightAbsence(
  before: Sighting,
  resourceVersion: string | null,
  config: ElectionConfig,
  now: Instant,
): Sighting {
  const seen = { confirmedAtMonoMs: now.monoMs, resourceVersion: resourceVersion ?? versionOf(before) };
  if (before.kind === 'absent' && now.monoMs - before.confirmedAtMonoMs <= absenceGapMsMax(config)) {
    return { ...before, ...seen };
  }
  const known = lastKnown(before);
  const last = known?.kind === 'present' ? known : null;
  const waitMs = Math.max(config.timings.leaseDurationMs, last === null ? 0 : recordDurationMs(last.record, config));
  const formerMonoMs = Math.max(last?.formerUntilMonoMs ?? 0, last?.rewind?.untilMonoMs ?? 0);
  return { kind: 'absent', claimableAtMonoMs: Math.max(now.monoMs + waitMs, formerMonoMs), ...seen };
}

/** What it takes to tell our own records from others'. */
export type OwnWrites = Pick<ElectionState, 'config' | 'sentRenewTimes'>;

/**
 * Whether this process wrote the record. The name alone does not tell: a machine that was cloned from an image of its memory
 * has two processes of one identity, which would take the Lease from each other for ever.
 */
export function isOurs(record: LeaseRecord, { config, sentRenewTimes }: OwnWrites): boolean {
  return record.holder === config.identity && sentRenewTimes.some((time) => time === record.renewTime);
}

/**
 * Monotonic time until which somebody may still trust an answer that our pod's dead predecessor gave: no answer outlasts the
 * record under which it was given. In the past when the record is nobody's but others'.
 */
export function predecessorTrustedUntilMonoMs({
  sighting,
  config,
}: Pick<ElectionState, 'sighting' | 'config'>): number {
  if (sighting.kind !== 'present' || !isPredecessor(sighting.record.holder, config.identity)) {
    return Number.NEGATIVE_INFINITY;
  }
  return sighting.sinceMonoMs + recordDurationMs(sighting.record, config);
}

/** Whether nobody else can be at work under this record: it is free, ours, our pod's dead predecessor's, or not claimed yet. */
export function isUncontested(record: LeaseRecord, known: OwnWrites): boolean {
  const { config } = known;
  if (record.holder === '' || isOurs(record, known)) return true;
  return isPredecessor(record.holder, config.identity) || isAssignment(record, config);
}

/** Monotonic time from which this replica may claim the Lease; infinite while nothing is known. */
export function claimableAtMonoMs(sighting: Sighting, known: OwnWrites): number {
  switch (sighting.kind) {
    case 'unknown':
      return Number.POSITIVE_INFINITY;
    case 'absent':
      return sighting.claimableAtMonoMs;
    case 'present': {
      const { record, sinceMonoMs, rewind, formerUntilMonoMs } = sighting;
      const overMs = isUncontested(record, known) ? 0 : recordDurationMs(record, known.config);
      return Math.max(sinceMonoMs + overMs, formerUntilMonoMs, rewind?.untilMonoMs ?? Number.NEGATIVE_INFINITY);
    }
  }
}

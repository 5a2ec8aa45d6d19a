import { type Draft, report } from './draft.ts';
import { compareResourceVersions, type LeaseRecord } from './record.ts';
import { claimableAtMonoMs, isOurs, isOutdated, sight, sightAbsence, sightDeletion } from './sighting.ts';
import { checkTenure, lose } from './tenure.ts';
import type { Instant } from './timing.ts';

/**
 * The Lease was seen. A watch may lag behind what is known, and while this replica leads every older sighting is stale: its
 * own acknowledged write is the newest truth. Otherwise an older version is taken as it is (an etcd may have been restored),
 * but claimed only after a wait; see `sight`.
 */
export function observe(draft: Draft, record: LeaseRecord, source: 'watch' | 'list' | 'read', now: Instant): void {
  if (isOutdated(draft.sighting, record) && (source === 'watch' || draft.tenure !== null)) return;
  // A watch tells every state, and our own writes replaced one that was known.
  const gapless = source === 'watch' || isOurs(record, draft);
  draft.sighting = sight(draft.sighting, record, draft.config, now, gapless);
  draft.claimUnconfirmed = false;
  // A version that was found outdated is no news: what is stored instead is still to be read.
  if (record.resourceVersion !== draft.outdatedVersion) {
    draft.outdatedVersion = null;
    scheduleRead(draft, now);
  }
  if (draft.tenure !== null) checkTenure(draft, draft.tenure, record, source);
}

/** Polling begins when the watch dies, and ends when it is back, unless something is still to be looked into. */
export function onWatching(draft: Draft, up: boolean, now: Instant): void {
  draft.watching = up;
  if (!up) draft.readAtMonoMs = now.monoMs;
  else if (isTold(draft, now) && draft.outdatedVersion === null && !draft.claimUnconfirmed) {
    draft.readAtMonoMs = doubtsWatchAtMonoMs(draft, now);
  }
}

/** While changes arrive by themselves nothing needs to be read; else the Lease is polled. */
export function scheduleRead(draft: Draft, now: Instant): void {
  const { retryPeriodMs } = draft.config.timings;
  draft.readAtMonoMs = isTold(draft, now) ? doubtsWatchAtMonoMs(draft, now) : now.monoMs + retryPeriodMs;
}

const DOUBT_MS_MAX = 30_000;

/**
 * When to look although the watch works. Elsewhere a claim finds out that the watch has told nothing of a Lease that is renewed; in a
 * coordinated election nobody claims what does not name him. So what has run out is looked at, at first after a retry period
 * and then ever more seldom.
 */
function doubtsWatchAtMonoMs(draft: Draft, now: Instant): number {
  const { sighting, config } = draft;
  if (!config.coordinated || sighting.kind !== 'present' || sighting.record.holder === config.identity) {
    return Number.POSITIVE_INFINITY;
  }
  const claimableMonoMs = claimableAtMonoMs(sighting, draft);
  const sinceMs = now.monoMs - claimableMonoMs;
  if (sinceMs < 0) return claimableMonoMs;
  return now.monoMs + Math.max(config.timings.retryPeriodMs, Math.min(sinceMs, DOUBT_MS_MAX));
}

/**
 * A missing Lease is not, since a watch's silence says nothing of it; nor is a record of the past while it is waited out: what
 * was told before is not told again.
 */
function isTold({ watching, sighting }: Draft, now: Instant): boolean {
  return watching && sighting.kind === 'present' && !(sighting.rewind && now.monoMs < sighting.rewind.untilMonoMs);
}

/** The watch saw the Lease go. */
export function onDeleted(draft: Draft, record: LeaseRecord, now: Instant): void {
  if (isOutdated(draft.sighting, record)) return;
  const held = draft.tenure;
  draft.sighting = sightDeletion(draft.sighting, record, draft, now);
  draft.claimUnconfirmed = false;
  scheduleRead(draft, now);
  if (held !== null) lose(draft, 'lease-deleted');
  reportAbsence(draft, now);
}

/** A listing as of `resourceVersion`, or a read (null), found no Lease. */
export function onAbsent(draft: Draft, resourceVersion: string | null, now: Instant): void {
  const held = draft.tenure;
  if (held !== null) {
    if (resourceVersion !== null && compareResourceVersions(resourceVersion, held.record.resourceVersion) < 0) return;
    lose(draft, 'lease-deleted');
  }
  const before = draft.sighting;
  draft.sighting = sightAbsence(draft.sighting, resourceVersion, draft.config, now);
  draft.claimUnconfirmed = false;
  scheduleRead(draft, now);
  const known = before.kind === 'absent' && claimableAtMonoMs(draft.sighting, draft) === before.claimableAtMonoMs;
  if (!known) reportAbsence(draft, now);
}

function reportAbsence(draft: Draft, now: Instant): void {
  report(draft, { kind: 'absent', waitMs: Math.max(0, claimableAtMonoMs(draft.sighting, draft) - now.monoMs) });
}

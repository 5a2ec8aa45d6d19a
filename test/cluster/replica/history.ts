/** One answer of a replica's `/leader`; times on the asker's monotonic clock, before and after the question. */
export interface Answer {
  readonly sentMs: number;
  readonly receivedMs: number;
  readonly isLeader: boolean;
  readonly validForMs: number;
  readonly fencingToken: string | null;
}

/** A claim to lead, as short as what was observed allows: nothing here was guessed in the claimant's disfavour. */
export interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** An acquisition, and the fencing token that came with it. */
export interface Grant {
  readonly atMs: number;
  readonly token: string;
}

/** All that one process has claimed. */
export interface Claimant {
  readonly name: string;
  readonly windows: readonly Window[];
  /** Empty for electors that tell no token. */
  readonly grants: readonly Grant[];
}

/** Instants taken from a log have whole milliseconds, rounded down. */
const LOG_RESOLUTION_MS = 1;

/**
 * What answers claim: each from its receipt until its question's sending + `validForMs`, and no further than the first
 * moment of `stops` (when the replica said, or was made, to stop) after the question.
 */
export function windowsOf(answers: readonly Answer[], stops: readonly number[]): Window[] {
  const claims = answers
    .filter((answer) => answer.isLeader)
    .map(({ sentMs, receivedMs, validForMs }) => {
      const stopMs = stops.find((atMs) => atMs + LOG_RESOLUTION_MS >= sentMs) ?? Infinity;
      return { fromMs: receivedMs, untilMs: Math.min(sentMs + validForMs, stopMs) };
    });
  return merge(claims);
}

/** The same moments in as few windows as possible, in order. */
export function merge(windows: readonly Window[]): Window[] {
  const merged: Window[] = [];
  const ordered = windows.filter((w) => w.fromMs < w.untilMs).sort((a, b) => a.fromMs - b.fromMs);
  for (const window of ordered) {
    const last = merged.at(-1);
    if (last !== undefined && window.fromMs <= last.untilMs) {
      merged[merged.length - 1] = { fromMs: last.fromMs, untilMs: Math.max(last.untilMs, window.untilMs) };
    } else merged.push(window);
  }
  return merged;
}

/**
 * What is wrong with a history, in plain words: windows of two claimants that overlap, tokens that do not grow from grant to
 * grant. Empty when leadership was always one's alone.
 */
export function checkHistory(claimants: readonly Claimant[]): string[] {
  return [...overlaps(claimants).map(({ text }) => text), ...tokenRegressions(claimants)];
}

/** A moment that two claimants claim. */
export interface Overlap {
  readonly forMs: number;
  /** In plain words. */
  readonly text: string;
}

export function overlaps(claimants: readonly Claimant[]): Overlap[] {
  const claims = claimants
    .flatMap(({ name, windows }) => windows.map((window) => ({ name, ...window })))
    .sort((a, b) => a.fromMs - b.fromMs);
  const found: Overlap[] = [];
  claims.forEach((claim, index) => {
    for (const later of claims.slice(index + 1)) {
      if (later.fromMs >= claim.untilMs) break;
      if (later.name === claim.name) continue;
      const forMs = Math.min(claim.untilMs, later.untilMs) - later.fromMs;
      const text =
        `two leaders for ${forMs.toFixed(1)} ms: ${claim.name} claims until ${claim.untilMs.toFixed(1)}, ` +
        `${later.name} from ${later.fromMs.toFixed(1)}`;
      found.push({ forMs, text });
    }
  });
  return found;
}

/** Grants whose token is not higher than that of the grant before, in plain words. */
export function tokenRegressions(claimants: readonly Pick<Claimant, 'name' | 'grants'>[]): string[] {
  const grants = claimants
    .flatMap(({ name, grants }) => grants.map((grant) => ({ name, ...grant })))
    .sort((a, b) => a.atMs - b.atMs);
  return grants.flatMap((grant, index) => {
    const before = grants[index - 1];
    if (before === undefined || isHigherToken(grant.token, before.token)) return [];
    return [`token ${grant.token} of ${grant.name} is not higher than ${before.token} of ${before.name} before it`];
  });
}

/** Tokens are decimal numbers without leading zeros: compared by length, then lexically. */
export function isHigherToken(token: string, than: string): boolean {
  return token.length === than.length ? token > than : token.length > than.length;
}

/** Who led, in order, and for how long nobody did in between, in whole milliseconds. */
export function reignsOf(claimants: readonly Claimant[]): { leaders: string[]; gapsMs: number[] } {
  const reigns = claimants
    .flatMap(({ name, windows }) => windows.map((window) => ({ name, ...window })))
    .sort((a, b) => a.fromMs - b.fromMs);
  const gapsMs = reigns.slice(1).map((reign, index) => Math.round(reign.fromMs - reigns[index]!.untilMs));
  return { leaders: reigns.map(({ name }) => name), gapsMs };
}

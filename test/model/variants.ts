/** Numbers and names as in `lease.pml`. */
export const PROPERTIES = {
  ONE_ACTS: [1, 'at most one replica acts at any true time'],
  OWN_RELEASE: [2, "a release alters nobody else's record"],
  WORK_FIRST: [3, 'a release is sent after the work has ended'],
  TOKENS_GROW: [4, 'tokens grow from term to term'],
  STOOD_STILL: [5, 'a Lease is taken from another only after its record stood still for its whole duration'],
  SHOWN_STOPS: [6, "a replica that was shown another's record does not lead"],
  TERM_BY_TERM: [7, 'a term begins only after the work of the one before has ended'],
} as const satisfies Record<string, readonly [number, string]>;

export type Property = keyof typeof PROPERTIES;

/**
 * - `world`: the rules as they should be, under some faults, explored to the end: all properties must hold.
 * - `hazard`: one rule replaced by a known mistake: the property must break.
 * - `limit`: an assumption dropped: the property must break, or the assumption need not be made.
 * - `witness`: something that must be possible, or the model would show nothing.
 */
export type VariantKind = 'world' | 'hazard' | 'limit' | 'witness';

export interface Variant {
  readonly kind: VariantKind;
  readonly name: string;
  readonly what: string;
  /** Macros that are set to 1; `N=3` and the like to what they say. */
  readonly macros: readonly string[];
  /** What must break; null for worlds and witnesses. */
  readonly breaks: Property | null;
  /** Only run when asked for: takes minutes, and more memory. */
  readonly large: boolean;
}

function world(name: string, what: string, ...macros: string[]): Variant {
  return { kind: 'world', name, what, macros, breaks: null, large: false };
}

function hazard(name: string, breaks: Property, what: string, ...macros: string[]): Variant {
  return { kind: 'hazard', name, what, macros, breaks, large: false };
}

function limit(name: string, breaks: Property, what: string, ...macros: string[]): Variant {
  return { ...hazard(name, breaks, what, ...macros), kind: 'limit' };
}

function witness(number: number, what: string, ...macros: string[]): Variant {
  return { ...world(`possible-${number}`, what, ...macros, `WITNESS=${number}`), kind: 'witness' };
}

const WORLDS: readonly Variant[] = [
  world('three', 'three replicas', 'N=3', 'ALIKE'),
  world(
    'deleted',
    'two; lost answers, late requests, stale reads, the Lease deleted',
    'ALIKE',
    'LATE',
    'STALE',
    'DELETIONS',
  ),
  world(
    'restarted',
    'two; lost answers, late requests, the Lease deleted, pods restarted',
    'ALIKE',
    'LATE',
    'DELETIONS',
    'RESTARTS',
  ),
  world(
    'strangers',
    "two; lost answers, late requests, stale reads, a stranger's name written",
    'ALIKE',
    'LATE',
    'STALE',
    'STRANGERS',
  ),
  world('mixed', 'two with different timings; lost answers, late requests, stale reads', 'MIXED', 'LATE', 'STALE'),
  world('shipped', 'two with timings in the proportion of 15 s to 10 s; the same', 'SHIPPED', 'ALIKE', 'LATE', 'STALE'),
  world(
    'answers',
    'two whose applications trust every answer; the same, the Lease deleted, pods restarted',
    'ANSWERS',
    'ALIKE',
    'LATE',
    'DELETIONS',
    'RESTARTS',
  ),
  { ...world('three-deleted', 'three replicas, the Lease deleted', 'N=3', 'ALIKE', 'DELETIONS'), large: true },
  {
    ...world('everything', 'two; all faults at once but strangers', 'ALIKE', 'LATE', 'STALE', 'DELETIONS', 'RESTARTS'),
    large: true,
  },
];

const HAZARDS: readonly Variant[] = [
  hazard('H1', 'ONE_ACTS', 'the deadline counts from the acknowledgement', 'HAZARD_DEADLINE_FROM_ACK'),
  hazard('H2', 'ONE_ACTS', 'the Lease is released before the work has ended', 'HAZARD_RELEASE_FIRST'),
  hazard('H2-order', 'WORK_FIRST', 'the same', 'HAZARD_RELEASE_FIRST'),
  hazard('H3', 'ONE_ACTS', 'a release replaces whatever version is stored', 'HAZARD_FRESH_RELEASE'),
  hazard('H3-other', 'OWN_RELEASE', 'the same', 'HAZARD_FRESH_RELEASE'),
  hazard('H4', 'SHOWN_STOPS', 'a leader that is shown another holder goes on', 'HAZARD_DEAF', 'STRANGERS'),
  hazard('H5', 'ONE_ACTS', 'a missing Lease is created at once', 'HAZARD_CREATE_AT_ONCE', 'DELETIONS'),
  hazard('H6', 'ONE_ACTS', 'two processes have one identity', 'HAZARD_ONE_IDENTITY'),
  hazard('H7', 'ONE_ACTS', 'two renewals look like none: the timer runs on', 'HAZARD_TIMER_RUNS_ON'),
  hazard('H9', 'ONE_ACTS', 'leading never expires', 'HAZARD_NEVER_EXPIRES'),
  hazard(
    'H12',
    'ONE_ACTS',
    "a standby times with its own duration instead of the record's",
    'HAZARD_OWN_DURATION',
    'MIXED',
  ),
  hazard('H13', 'TERM_BY_TERM', 'a term begins while the work of the last is still being cut', 'HAZARD_TERMS_OVERLAP'),
  hazard('no-cas', 'ONE_ACTS', 'a claim replaces whatever version is stored', 'HAZARD_NO_CAS'),
  hazard(
    'remote-clock',
    'STOOD_STILL',
    "expiry is judged by the record's times and the own clock",
    'HAZARD_REMOTE_CLOCK',
  ),
  hazard(
    'first-sight',
    'ONE_ACTS',
    'who was just started takes the first record it sees for an old one',
    'HAZARD_FIRST_SIGHT',
    'RESTARTS',
  ),
  hazard(
    'any-predecessor',
    'ONE_ACTS',
    "another pod's process is taken for a dead one of this pod",
    'HAZARD_ANY_PREDECESSOR',
  ),
  hazard('silence', 'ONE_ACTS', 'a renewal without an answer moves the deadline', 'HAZARD_SILENCE_IS_SUCCESS'),
  hazard(
    'late-claim',
    'TOKENS_GROW',
    'a claim acknowledged after its deadline begins a term',
    'HAZARD_CLAIM_BEGINS_LATE',
  ),
  hazard(
    'unneeded',
    'ONE_ACTS',
    'a pause soon after a loss releases what was claimed again while answers still hold',
    'HAZARD_UNNEEDED_AT_ONCE',
    'ANSWERS',
    'LATE',
    'DELETIONS',
  ),
  hazard(
    'forgotten',
    'ONE_ACTS',
    "a restarted process hands over while its predecessor's answers still hold",
    'HAZARD_FORGOTTEN_ANSWERS',
    'ANSWERS',
    'LATE',
    'RESTARTS',
  ),
];

const LIMITS: readonly Variant[] = [
  limit('clocks', 'ONE_ACTS', 'clock rates differ by more than the margin', 'LIMIT_CLOCKS'),
  limit(
    'deletions',
    'ONE_ACTS',
    'the Lease is deleted again while somebody still counts the wait for a missing one',
    'LIMIT_DELETIONS',
    'DELETIONS',
  ),
  limit('emptied', 'ONE_ACTS', 'somebody else empties the holder', 'LIMIT_EMPTIED'),
  limit(
    'recreated',
    'ONE_ACTS',
    'somebody else deletes the Lease and creates a free one',
    'LIMIT_RECREATED',
    'DELETIONS',
  ),
  limit(
    'mixed-deleted',
    'ONE_ACTS',
    'the Lease of a longer duration is deleted, and missed by a replica that never saw it',
    'MIXED',
    'DELETIONS',
  ),
];

const WITNESSES: readonly Variant[] = [
  witness(1, 'a Lease is taken after it expired'),
  witness(2, 'a freed Lease is taken at once'),
  witness(3, 'a claim is made again over the own record', 'LATE'),
  witness(4, "a deleted Lease is created after its holder's time", 'DELETIONS'),
  witness(5, 'a renewal of unknown outcome is found to have been stored, and counts', 'LATE'),
  witness(6, 'a request is stored after its sender gave it up', 'LATE'),
  witness(7, "a restarted pod takes its predecessor's Lease", 'RESTARTS'),
  witness(8, "a leader stops because a stranger's name was written", 'STRANGERS'),
  witness(9, 'an outdated version is timed and claimed, in vain', 'STALE'),
  witness(10, 'a claim is acknowledged after its deadline'),
];

export const VARIANTS: readonly Variant[] = [...WORLDS, ...HAZARDS, ...LIMITS, ...WITNESSES];

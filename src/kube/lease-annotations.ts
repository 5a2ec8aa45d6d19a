import type { Challenger, LeaseContent } from '../election/index.ts';
import { LEASE_NAME_OF } from '../naming/workload-lease.ts';

/** Where the holder publishes its address; valid only together with {@link HOLDER_ADDRESS_OF}. */
export const HOLDER_ADDRESS = 'leasegate.dev/holder-address';
/** Whose address it is: electors that know nothing of it leave it behind when they take over. */
export const HOLDER_ADDRESS_OF = 'leasegate.dev/holder-address-of';
/** The holder's priority, where it is not the default; valid only together with {@link HOLDER_PRIORITY_OF}. */
export const HOLDER_PRIORITY = 'leasegate.dev/holder-priority';
export const HOLDER_PRIORITY_OF = 'leasegate.dev/holder-priority-of';
/** Of a free Lease: the identity that its last holder wants to lead next. */
export const NEXT_HOLDER = 'leasegate.dev/next-holder';
/** `renewTime` of the release that named it: a later holder of another make leaves the name behind. */
export const NEXT_HOLDER_AT = 'leasegate.dev/next-holder-at';
/** The identity that asks the holder to give way, and its priority. Each write of a holder of ours removes them. */
export const CHALLENGER = 'leasegate.dev/challenger';
export const CHALLENGER_PRIORITY = 'leasegate.dev/challenger-priority';

const OURS = [
  ...[HOLDER_ADDRESS, HOLDER_ADDRESS_OF, HOLDER_PRIORITY, HOLDER_PRIORITY_OF],
  ...[NEXT_HOLDER, NEXT_HOLDER_AT, CHALLENGER, CHALLENGER_PRIORITY],
];

type Annotations = Readonly<Record<string, string>>;

/** What the annotations say of a Lease of this holder and renewal; whatever belongs to another is ignored. */
export function readAnnotations(
  annotations: Annotations,
  { holder, renewTime }: { readonly holder: string; readonly renewTime: string | null },
) {
  const held = holder !== '';
  const ofHolder = (value: string, owner: string) =>
    held && annotations[owner] === holder ? (annotations[value] ?? null) : null;
  const named = !held && annotations[NEXT_HOLDER_AT] === renewTime;
  return {
    holderAddress: ofHolder(HOLDER_ADDRESS, HOLDER_ADDRESS_OF),
    holderPriority: parsePriority(ofHolder(HOLDER_PRIORITY, HOLDER_PRIORITY_OF)),
    nextHolder: named ? (annotations[NEXT_HOLDER] ?? '') : '',
    challenger: held ? challengerOf(annotations) : null,
  };
}

/**
 * `before` without what earlier writes said, and with what `content` says. `nameOf`: what the hash in the Lease's name stands for;
 * null leaves alone what is said of that.
 */
export function writeAnnotations(before: Annotations, content: LeaseContent, nameOf: string | null): Annotations {
  const { holder, holderAddress, holderPriority, nextHolder, renewTime } = content;
  return {
    ...Object.fromEntries(Object.entries(before).filter(([name]) => !OURS.includes(name))),
    ...(holderAddress !== null && { [HOLDER_ADDRESS]: holderAddress, [HOLDER_ADDRESS_OF]: holder }),
    ...(holderPriority !== null && { [HOLDER_PRIORITY]: String(holderPriority), [HOLDER_PRIORITY_OF]: holder }),
    ...(nameOf !== null && { [LEASE_NAME_OF]: nameOf }),
    ...(nextHolder !== '' && { [NEXT_HOLDER]: nextHolder, [NEXT_HOLDER_AT]: renewTime }),
  };
}

/** `before` with one who asks the holder to give way. */
export function annotateChallenger(before: Annotations, { identity, priority }: Challenger): Annotations {
  return { ...before, [CHALLENGER]: identity, [CHALLENGER_PRIORITY]: String(priority) };
}

function challengerOf(annotations: Annotations): Challenger | null {
  const priority = parsePriority(annotations[CHALLENGER_PRIORITY] ?? null);
  const identity = annotations[CHALLENGER];
  return identity === undefined || identity === '' || priority === null ? null : { identity, priority };
}

/** Annotations are anybody's to write: what is no priority is none. */
function parsePriority(text: string | null): number | null {
  return text !== null && /^(?:-1|\d|10)$/.test(text) ? Number(text) : null;
}

import type { Random } from '../ports/clock.ts';

const HEX = '0123456789abcdef';
/** Kubernetes' alphabet for generated names: no vowels, no digits that look like letters. */
const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;

const pick = (alphabet: string, random: Random): string => alphabet[Math.floor(random() * alphabet.length)]!;

/** A version 4 UUID, for `metadata.uid`. */
export function randomUid(random: Random): string {
  return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replaceAll(/[xy]/g, (place) =>
    pick(place === 'y' ? '89ab' : HEX, random),
  );
}

/** What is appended to `metadata.generateName`. */
export function randomSuffix(random: Random): string {
  return Array.from({ length: SUFFIX_LENGTH }, () => pick(SUFFIX, random)).join('');
}

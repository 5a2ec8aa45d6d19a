import { accepted, type Parsed, refused, type ValueType } from './value-type.ts';

const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;
/** Each unit at most once, largest first; nine digits keep the sum exact. */
const SYNTAX = /^(?=\d)(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;

/** Reads `15s`, `500ms`, `1m` or `1m30s` as milliseconds. A number without a unit is refused rather than guessed at. */
export function parseDuration(text: string): Parsed<number> {
  const match = SYNTAX.exec(text);
  if (match !== null) {
    return accepted(UNITS.reduce((sumMs, [, unitMs], index) => sumMs + Number(match[index + 1] ?? 0) * unitMs, 0));
  }
  if (/^\d{1,9}$/.test(text)) return refused('has no unit', `write ${text}s for seconds or ${text}ms for milliseconds`);
  return refused('is not a duration', 'write whole numbers with units, such as 15s, 500ms, 1m or 1m30s');
}

/** The shortest way to write whole milliseconds that {@link parseDuration} reads back. */
export function formatDuration(durationMs: number): string {
  let restMs = durationMs;
  let text = '';
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(restMs / unitMs);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return text === '' ? '0s' : text;
}

export interface DurationBounds {
  readonly minMs: number;
  readonly maxMs: number;
  /** Refuse what a Lease cannot hold: its duration is an integer of seconds. */
  readonly wholeSeconds?: true;
}

/** Durations in milliseconds, within bounds. */
export function duration({ minMs, maxMs, wholeSeconds }: DurationBounds): ValueType<number> {
  const [min, max] = [formatDuration(minMs), formatDuration(maxMs)];
  return {
    placeholder: 'DURATION',
    accepts: `${wholeSeconds ? 'duration in whole seconds' : 'duration'}, ${min} to ${max}`,
    format: formatDuration,
    parse(text) {
      const parsed = parseDuration(text);
      if (!parsed.ok) return parsed;
      if (parsed.value < minMs) return refused('is too short', `use ${min} or more`);
      if (parsed.value > maxMs) return refused('is too long', `use ${max} or less`);
      if (wholeSeconds && parsed.value % 1_000 !== 0) {
        const below = Math.floor(parsed.value / 1_000);
        return refused(
          'is not a whole number of seconds, and a Lease holds no other',
          `use ${below}s or ${below + 1}s`,
        );
      }
      return parsed;
    },
  };
}

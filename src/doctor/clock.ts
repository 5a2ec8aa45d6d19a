import type { ServerReading } from '../ports/doctor.ts';
import { error, type Finding, ok, skipped, warning } from './finding.ts';
import { inWords } from './words.ts';

/** The Date header is cut to whole seconds. */
const DATE_RESOLUTION_MS = 1_000;
/** Clocks of nodes differ by less, where anybody looks after them. */
const TOLERANCE_MS = 2_000;

/**
 * How far this machine's clock is ahead of the server's, at the least: the header was written at some moment between request
 * and answer. 0: they may agree. Null: the server did not say.
 */
export function clockOffsetMs({ dateWallMs, sentWallMs, receivedWallMs }: ServerReading): number | null {
  if (dateWallMs === null) return null;
  const leastMs = sentWallMs - dateWallMs - DATE_RESOLUTION_MS;
  const mostMs = receivedWallMs - dateWallMs;
  return leastMs > 0 ? leastMs : Math.min(0, mostMs);
}

/**
 * What a clock that is off does. The election itself does not depend on it; but by a whole lease duration, every Lease that this
 * machine writes or reads looks expired, or from the future, to whoever goes by the clock.
 */
export function judgeClock(
  offsetMs: number | null,
  { leaseDurationMs }: { readonly leaseDurationMs: number },
): Finding {
  if (offsetMs === null) {
    return skipped(
      'CLOCK_UNKNOWN',
      'the API server did not say what time it is',
      'compare the clocks yourself: `date`',
    );
  }
  const byMs = Math.abs(offsetMs);
  const direction = offsetMs > 0 ? 'ahead of' : 'behind';
  if (byMs <= TOLERANCE_MS) {
    const about = offsetMs === 0 ? 'agrees with' : `is ${inWords(byMs)} ${direction}`;
    return ok('CLOCK_OK', `this machine's clock ${about} the API server's`);
  }
  return (byMs >= leaseDurationMs ? error : warning)(
    'CLOCK_OFF',
    `this machine's clock is ${inWords(byMs)} ${direction} the API server's: the election does not mind, but times in the Lease and in Events are wrong, and tokens and certificates may count as expired`,
    'set the clock of this machine (chrony, systemd-timesyncd), or that of the API server if it is the one that is off',
  );
}

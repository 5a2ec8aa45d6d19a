import type { ServerReading } from '../ports/doctor.ts';
import { type Finding, ok, warning } from './finding.ts';
import { inWords } from './words.ts';

/** The Date header is cut to whole seconds. */
const DATE_RESOLUTION_MS = 1_000;
/** From here on times in a Lease mislead whoever reads them. */
const OFFSET_MS_MAX = 5_000;

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

/** What a clock that is off does. The election itself does not depend on it. */
export function judgeClock(offsetMs: number | null): Finding {
  if (offsetMs === null) return ok('CLOCK_UNKNOWN', 'the API server did not say what time it is');
  if (Math.abs(offsetMs) <= OFFSET_MS_MAX) {
    const about = offsetMs === 0 ? 'agrees with' : `is ${inWords(offsetMs)} ${direction(offsetMs)}`;
    return ok('CLOCK_OK', `this machine's clock ${about} the API server's`);
  }
  return warning(
    'CLOCK_OFF',
    `this machine's clock is ${inWords(offsetMs)} ${direction(offsetMs)} the API server's: the election does not mind, but times in the Lease and in Events are wrong, and certificates and tokens may count as expired`,
    'set the clock of this node (chrony, systemd-timesyncd), or that of the API server if it is the one that is off',
  );
}

function direction(offsetMs: number): string {
  return offsetMs > 0 ? 'ahead of' : 'behind';
}

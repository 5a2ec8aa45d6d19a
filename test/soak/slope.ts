import { median } from '../bench/support/statistics.ts';
import type { SeededRandom } from '../sim/random.ts';

/** A reading: minutes since the start, and its value. */
export interface Reading {
  readonly minutes: number;
  readonly value: number;
}

/** A rate of growth, and an interval that holds it with 95 % confidence. */
export interface Slope {
  readonly perMinute: number;
  readonly low: number;
  readonly high: number;
}

/** More readings are first joined in groups by their medians: pairs grow with the square of their number. */
const READINGS_MAX = 200;
const READINGS_MIN = 8;
const Z_95 = 1.96;
const RESAMPLES = 2_000;

/**
 * The Theil–Sen slope: the median over all pairs of readings, which a quarter of wild readings can't move. Its interval is
 * Sen's, from the variance of Kendall's statistic; neighbouring readings of memory resemble each other, which makes it too
 * narrow, so that it describes one process and proves nothing alone.
 *
 * @returns null for fewer than eight readings
 */
export function theilSen(readings: readonly Reading[]): Slope | null {
  if (readings.length < READINGS_MIN) return null;
  const points = joined(readings);
  const slopes: number[] = [];
  points.forEach((from, index) => {
    for (const to of points.slice(index + 1)) {
      if (to.minutes > from.minutes) slopes.push((to.value - from.value) / (to.minutes - from.minutes));
    }
  });
  slopes.sort((a, b) => a - b);
  const count = points.length;
  const spread = Z_95 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const rank = (at: number) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(at)))]!;
  return {
    perMinute: median(slopes),
    low: rank((slopes.length - spread) / 2 - 1),
    high: rank((slopes.length + spread) / 2),
  };
}

/** The median of many processes' slopes. Its interval comes from drawing as many processes again and again (bootstrap). */
export function medianSlope(perMinute: readonly number[], random: SeededRandom): Slope {
  const medians = Array.from({ length: RESAMPLES }, () => median(perMinute.map(() => random.pick(perMinute))));
  medians.sort((a, b) => a - b);
  return {
    perMinute: median(perMinute),
    low: medians[Math.floor(RESAMPLES * 0.025)]!,
    high: medians[Math.floor(RESAMPLES * 0.975)]!,
  };
}

/** Minutes from the first reading to the last. */
export function spanMinutes(readings: readonly Reading[]): number {
  return readings.length === 0 ? 0 : readings.at(-1)!.minutes - readings[0]!.minutes;
}

function joined(readings: readonly Reading[]): readonly Reading[] {
  if (readings.length <= READINGS_MAX) return readings;
  const size = Math.ceil(readings.length / READINGS_MAX);
  return Array.from({ length: Math.ceil(readings.length / size) }, (_, index) => {
    const group = readings.slice(index * size, (index + 1) * size);
    return { minutes: median(group.map((r) => r.minutes)), value: median(group.map((r) => r.value)) };
  });
}

/** CLOCK_MONOTONIC in milliseconds, the clock that client-go's elector stamps its lines with. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Milliseconds to add to {@link monotonicMs} for the wall clock at this moment; exact to some microseconds. */
export function wallOffsetMs(): number {
  const tick = Date.now();
  let next = tick;
  // The wall clock has whole milliseconds here: its next tick is an exact moment.
  while (next === tick) next = Date.now();
  return next - monotonicMs();
}

/** Milliseconds since the epoch of an RFC 3339 time, with the microseconds that `Date` drops. */
export function wallMsOf(timestamp: string): number {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? '';
  const wholeMs = Date.parse(timestamp.replace(/\.\d+/, ''));
  return wholeMs + Number(`0.${fraction || '0'}`) * 1_000;
}

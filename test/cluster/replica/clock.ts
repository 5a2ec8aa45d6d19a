/** CLOCK_MONOTONIC in milliseconds: one clock for every process on the machine, client-go's electors included. */
export function monoMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The same clock's reading when the wall clock showed `wallMs`, a moment ago. */
export function monoOfWall(wallMs: number): number {
  return monoMs() - (Date.now() - wallMs);
}

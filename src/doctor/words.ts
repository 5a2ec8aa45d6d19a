/** A length of time for people: `350 ms`, `1.2 s`, `3 min`, `2 h`, `5 days`. */
export function inWords(durationMs: number): string {
  const ms = Math.abs(durationMs);
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

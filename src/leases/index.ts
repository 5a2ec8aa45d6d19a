/** All that the command needs of it: a file of its own in `dist/lazy/`, which no sidecar loads. */
export type { StoredLease } from './identify.ts';
export { ageTold, type LeaseRow, Observation, rowOf } from './standing.ts';
export { jsonOf, textOf } from './table.ts';

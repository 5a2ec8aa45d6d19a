/** All that the commands need of it: a file of its own in `dist/lazy/`, which no sidecar loads. */
export { inject } from './inject.ts';
export { optionsOf } from './options.ts';
export { formatReport, type Outcome } from './report.ts';
export { settingsOf } from './settings.ts';
export type { Input } from './source.ts';
export { uninject } from './uninject.ts';

/** All that the command needs of the doctor: a file of its own in `dist/lazy/`, which no sidecar loads. */
export { type ExaminationPorts, examine, examineUnnamed } from './examine.ts';
export { worstOf } from './finding.ts';
export { judgeUnnamed } from './lease-name.ts';
export type { Plan } from './plan.ts';
export { jsonOf, type Reported, textOf } from './report.ts';

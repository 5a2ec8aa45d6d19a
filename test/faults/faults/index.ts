import type { Fault } from '../fault.ts';
import { pauses } from './pauses.ts';
import { restarts } from './restarts.ts';

/** All faults, as the table orders them. */
export const FAULTS: readonly Fault[] = [...pauses, ...restarts];

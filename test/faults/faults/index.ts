import type { Fault } from '../fault.ts';
import { access } from './access.ts';
import { answers } from './answers.ts';
import { controlPlane } from './control-plane.ts';
import { leaseEdits } from './lease-edits.ts';
import { network } from './network.ts';
import { pauses } from './pauses.ts';
import { restarts } from './restarts.ts';

/** All faults, as the table orders them. */
export const FAULTS: readonly Fault[] = [
  ...pauses,
  ...restarts,
  ...network,
  ...answers,
  ...access,
  ...leaseEdits,
  ...controlPlane,
];

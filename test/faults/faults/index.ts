import type { Fault } from '../fault.ts';
import { access } from './access.ts';
import { answers } from './answers.ts';
import { controlPlane } from './control-plane.ts';
import { cpu } from './cpu.ts';
import { descriptors } from './descriptors.ts';
import { eventLoop } from './event-loop.ts';
import { leaseEdits } from './lease-edits.ts';
import { memory } from './memory.ts';
import { network } from './network.ts';
import { pauses } from './pauses.ts';
import { restarts } from './restarts.ts';
import { wallClock } from './wall-clock.ts';

/** All faults, as the table orders them. */
export const FAULTS: readonly Fault[] = [
  ...pauses,
  ...restarts,
  ...network,
  ...answers,
  ...access,
  ...leaseEdits,
  ...controlPlane,
  ...wallClock,
  ...eventLoop,
  ...cpu,
  ...memory,
  ...descriptors,
];

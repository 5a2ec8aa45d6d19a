import type { Hazard } from '../hazards.ts';

export const MEMBER_HAZARDS: readonly Hazard[] = [];

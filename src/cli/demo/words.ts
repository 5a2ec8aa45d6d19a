import { formatDuration } from '../../config/duration.ts';
import { DEMO_TIMINGS, timeOfDay } from './timings.ts';

export type Deed = 'kill' | 'freeze' | 'continue' | 'cut-off' | 'reconnect' | 'terminate' | 'step-down' | 'revive';

const { leaseDurationMs, renewDeadlineMs } = DEMO_TIMINGS;

/** What was done to a replica, and what follows when it led. */
const DEEDS: Readonly<Record<Deed, { readonly done: string; readonly ifLeader: string }>> = {
  kill: {
    done: 'was killed (SIGKILL)',
    ifLeader: `It can't release its Lease: the others wait until that stood still for ${formatDuration(leaseDurationMs)}.`,
  },
  freeze: {
    done: 'was frozen (SIGSTOP)',
    ifLeader: `It can't notice anything, but its claim ends by itself within ${formatDuration(renewDeadlineMs)}. Press f to let it go on.`,
  },
  continue: { done: 'goes on (SIGCONT)', ifLeader: '' },
  'cut-off': {
    done: 'was cut off from the API server',
    ifLeader: `It can't renew, and stops by itself within ${formatDuration(renewDeadlineMs)}, before others may begin.`,
  },
  reconnect: { done: 'reaches the API server again', ifLeader: '' },
  terminate: { done: 'was told to end (SIGTERM)', ifLeader: 'It releases the Lease, which the others notice at once.' },
  'step-down': { done: 'was asked to step down at once', ifLeader: 'Immediate, since it has no work to end.' },
  revive: { done: 'starts again', ifLeader: "Same pod, new process: it takes its dead predecessor's Lease at once." },
};

/** `demo-1 was killed (SIGKILL).` and what that means, for the journal. */
export function tellDeed(name: string, deed: Deed, leads: boolean): string {
  const { done, ifLeader } = DEEDS[deed];
  return `${name} ${done}.${leads && ifLeader !== '' ? ` ${ifLeader}` : ''}`;
}

/** `was killed (SIGKILL)`, as a cause. */
export function causeOf(deed: Deed): string {
  return DEEDS[deed].done;
}

const REASONS: Readonly<Record<string, string>> = {
  expired: 'its deadline passed without a renewal',
  'clock-jumped': "the machine's clocks disagree",
  'taken-over': 'another holds the Lease',
  'lease-deleted': 'the Lease was deleted',
  'lease-replaced': 'the Lease was replaced',
  'lease-edited': 'somebody edited the Lease',
  'step-down': 'it was asked to',
  shutdown: 'it ends',
};

/** Less is the way of the news from the replica to here. */
const LATE_MS_MIN = 250;

/**
 * What the journal says when a replica tells that it stopped. One that could not tell in time, being frozen, had stopped
 * `lateMs` before by its own promise: that is when its term ended, not now.
 */
export function tellStop(name: string, reason: string | null, lateMs: number, nowWallMs: number): string {
  const why = reason === null ? '' : `: ${reasonInWords(reason)}`;
  if (lateMs < LATE_MS_MIN) return `${name} stopped leading${why}`;
  return `${name} notices that its term ended at ${timeOfDay(nowWallMs - lateMs)}${why}`;
}

/** What the journal says at the moment when a frozen leader's promise has run out. */
export function tellOver(name: string): string {
  return `${name}'s term is over: its own deadline passed while it was frozen. It will notice when it goes on.`;
}

/** Why a tenure ended, in words; unknown reasons as they are. */
function reasonInWords(reason: string): string {
  return REASONS[reason] ?? reason;
}

import type { CommandContext } from '../context.ts';
import type { Election, Group } from './group.ts';
import type { Replica } from './replica.ts';
import { DEMO_TIMINGS } from './timings.ts';

const START_MS_MAX = 12_000;
const GRACEFUL_MS_MAX = 3_000;
/** Beyond the expiry of the dead leader's record. */
const LATE_MS_MAX = 3_000;
/** A new leader is watched for so long, so that an old one that still claimed to lead would be seen. */
const WATCH_MS = 700;

/** Something that the demo promised did not happen. */
class Failed extends Error {}

/**
 * One graceful and one crash fail-over, a JSON line on stdout for each. Returns the exit code: 1, with a line on stderr that
 * says why, when no leader came in time or two led at once.
 */
export async function runFailoverScript(group: Group, context: CommandContext): Promise<number> {
  const print = (line: object) => context.stdout(`${JSON.stringify(line)}\n`);
  try {
    const first = await elect(group, START_MS_MAX, 'no first leader');
    await allAnswer(group);
    const second = await failOver(group, first, 'terminate', GRACEFUL_MS_MAX);
    print({ scenario: 'graceful', ...second.line });
    await first.replica.gone();
    group.do(first.replica, 'revive');
    await watch(group, second);

    const third = await failOver(group, second, 'kill', DEMO_TIMINGS.leaseDurationMs + LATE_MS_MAX);
    const lateAfterExpiryMs = round(third.atMs - third.expiryMs);
    print({ scenario: 'crash', ...third.line, leaseDurationMs: DEMO_TIMINGS.leaseDurationMs, lateAfterExpiryMs });
    await watch(group, third, second.replica);
    return 0;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    context.stderr(`leasegate: DEMO_FAILED ${error.message}\n`);
    for (const { text } of group.journal.entries) context.stderr(`  ${text}\n`);
    return 1;
  }
}

interface FailOver extends Election {
  /** When the former leader's record expired, or would have. */
  readonly expiryMs: number;
  readonly line: {
    readonly from: string;
    readonly to: string;
    /** From the signal to the new leader's first word. */
    readonly tookMs: number;
    readonly fencingToken: string;
  };
}

async function failOver(
  group: Group,
  former: Election,
  deed: 'terminate' | 'kill',
  timeoutMs: number,
): Promise<FailOver> {
  const { expiryMs } = group.lease;
  const next = elect(group, timeoutMs, `no new leader within ${timeoutMs} ms of the signal to ${former.replica.name}`);
  const startedMs = performance.now();
  group.do(former.replica, deed);
  const election = await next;
  const [from, to] = [former.replica.name, election.replica.name];
  if (!tokenGrew(former.token, election.token)) {
    throw new Failed(`the fencing token did not grow: ${former.token}, then ${election.token}`);
  }
  const tookMs = round(election.atMs - startedMs);
  return { ...election, expiryMs, line: { from, to, tookMs, fencingToken: election.token } };
}

async function elect(group: Group, timeoutMs: number, otherwise: string): Promise<Election> {
  const election = await group.nextElection(timeoutMs);
  if (election === null) throw new Failed(otherwise);
  noConflict(group);
  return election;
}

/** Resolves when each replica that should run answers: a fail-over needs somebody to fail over to. */
async function allAnswer(group: Group, dead?: Replica): Promise<void> {
  const deadlineMs = performance.now() + START_MS_MAX;
  const silent = () => group.replicas.filter((one) => one !== dead && !['leader', 'standby'].includes(one.state.kind));
  while (silent().length > 0) {
    if (performance.now() > deadlineMs)
      throw new Failed(
        `no answer from ${silent()
          .map(({ name }) => name)
          .join(', ')}`,
      );
    await delay(20);
  }
}

/** Looks on for a while; afterwards the new leader is still the only one. */
async function watch(group: Group, { replica }: Election, dead?: Replica): Promise<void> {
  await delay(WATCH_MS);
  await allAnswer(group, dead);
  noConflict(group);
  if (group.leader !== replica) throw new Failed(`${replica.name} did not stay leader`);
}

function noConflict({ claims }: Group): void {
  const conflict = claims.conflict();
  if (conflict !== null) throw new Failed(`two leaders at the same time: ${conflict}`);
}

/** Tokens are decimal numbers that may exceed a double. */
function tokenGrew(before: string, after: string): boolean {
  return BigInt(after) > BigInt(before);
}

function round(ms: number): number {
  return Math.round(ms);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

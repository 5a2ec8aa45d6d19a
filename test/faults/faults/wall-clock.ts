import { globSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monoMs } from '../../cluster/replica/clock.ts';
import { Relay } from '../../cluster/replica/relay.ts';
import type { Replica } from '../../cluster/replica/replica.ts';
import type { StartOptions } from '../../cluster/replica/scene.ts';
import { until } from '../../cluster/replica/until.ts';
import type { Fault, Stage } from '../fault.ts';
import { takeoverWithinMs } from './bounds.ts';
import { probeUrlOf } from './support/addresses.ts';

/** Debian's package libfaketime. */
const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');

const missing = async () => (library === undefined ? 'libfaketime (Debian: apt-get install libfaketime)' : null);

const HOUR_MS = 3_600_000;
const MONOTONIC = { FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' };
/** How long a wrong wall clock is left so, and the pause between two steps. */
const LASTING_MS = 1_500;

/** Steps of a replica's wall clock, while its monotonic clock goes on as ever. */
const stepped: readonly Fault[] = [
  steppedLeader(HOUR_MS, 'an hour'),
  steppedLeader(3_000, '3 s'),
  {
    name: 'wall clock of the leader stepped by 3 s to and fro, five times in a row',
    reach: 'scene',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    missing,
    prepare: async (stage) => {
      const clocks = await WallClocks.open(stage);
      return {
        start: clocks.start,
        strike: async () => {
          const leader = stage.leader();
          for (let step = 1; step <= 5; step++) {
            await clocks.step(leader, 3_000);
            await stage.lasting(LASTING_MS / 2);
          }
        },
      };
    },
  },
  {
    name: 'wall clock of a standby stepped by an hour',
    reach: 'scene',
    recoversFrom: 'begin',
    recoversWithinMs: 1_000,
    missing,
    prepare: async (stage) => {
      const clocks = await WallClocks.open(stage);
      return {
        start: clocks.start,
        strike: async () => {
          const leader = stage.leader();
          const { fencingToken } = leader;
          await clocks.step(stage.standbys()[0]!, HOUR_MS);
          await stage.lasting(LASTING_MS);
          const undisturbed = stage.leader() === leader && leader.fencingToken === fencingToken;
          if (!undisturbed) throw new Error(`${leader.name} lost its term by a standby's clock`);
        },
      };
    },
  },
];

/**
 * Every clock of a replica runs at a rate of its own, and so do its timers. The fast one takes over first: every second
 * trial has a slow leader and a fast successor, which leaves the least margin.
 */
const RATES = [0.9, 0.9, 1.1];

const clockRates: Fault = {
  name: 'clocks that run 10 % slow and 10 % fast; the leader cut off from the API server',
  reach: 'scene',
  recoversFrom: 'begin',
  recoversWithinMs: takeoverWithinMs() / Math.min(...RATES),
  missing,
  prepare: async (stage) => {
    const relays: Relay[] = [];
    for (const _ of RATES) relays.push(await Relay.open(stage.scene.controlPlane.ports.apiServer));
    stage.defer(() => {
      for (const relay of relays) relay.close();
    });
    return {
      start: (index) => ({
        ownWallClock: true,
        server: relays[index]!.url,
        env: { LD_PRELOAD: library, FAKETIME: `+0 x${RATES[index]}` },
      }),
      strike: async () => {
        const leader = stage.leader();
        const index = stage.running().indexOf(leader);
        const relay = relays[index]!;
        const sinceMs = monoMs();
        relay.goSilent();
        try {
          const next = await stage.untilAnotherLeads(leader);
          judgeRates(leader, RATES[index]!, next, sinceMs);
          stage.note(`${leader.name} at rate ${RATES[index]} was followed by ${next.name}`);
        } finally {
          await relay.mend();
        }
        await leader.untilWatching(20_000);
      },
    };
  },
};

function steppedLeader(byMs: number, by: string): Fault {
  return {
    name: `wall clock of the leader stepped by ${by}, forward and back in turn`,
    reach: 'scene',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    missing,
    prepare: async (stage) => {
      const clocks = await WallClocks.open(stage);
      return {
        start: clocks.start,
        strike: async () => {
          const leader = stage.leader();
          const { fencingToken } = leader;
          const sinceMs = monoMs();
          const steppedMs = await clocks.step(leader, byMs);
          const lost = await leader.untilLogged('NOT_LEADING', 5_000, sinceMs);
          if (lost.reason !== 'clock-jumped') throw new Error(`${leader.name} lost its term by ${lost.reason}`);
          await stage.lasting(LASTING_MS);
          const ledOn = leader.answers.some(
            (answer) => answer.sentMs > steppedMs && answer.fencingToken === fencingToken,
          );
          if (ledOn) throw new Error(`${leader.name} led on after the step, until its next tick`);
        },
      };
    },
  };
}

/** The wall clocks of a scene's replicas, by a file for each that libfaketime reads whenever the time is asked for. */
class WallClocks {
  readonly #stage: Stage;
  readonly #directory: string;
  readonly #aheadMs: number[] = [];

  static async open(stage: Stage): Promise<WallClocks> {
    const directory = await mkdtemp(join(tmpdir(), 'leasegate-clocks-'));
    stage.defer(() => rm(directory, { recursive: true }));
    const clocks = new WallClocks(stage, directory);
    for (const index of [0, 1, 2]) await clocks.#set(index, 0);
    return clocks;
  }

  private constructor(stage: Stage, directory: string) {
    this.#stage = stage;
    this.#directory = directory;
  }

  readonly start = (index: number): StartOptions => ({
    ownWallClock: true,
    env: {
      ...MONOTONIC,
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file(index),
      FAKETIME_NO_CACHE: '1',
    },
  });

  /**
   * Steps a replica's clock forward, or back if it is ahead already: certificates are not valid before they were made.
   * Resolves when the replica is seen to have the new time, to the moment since when it has it.
   */
  async step(replica: Replica, byMs: number): Promise<number> {
    const index = this.#stage.running().indexOf(replica);
    const aheadMs = this.#aheadMs[index] === 0 ? byMs : 0;
    await this.#set(index, aheadMs);
    const steppedMs = monoMs();
    await until(`the wall clock of ${replica.name} is ${aheadMs} ms ahead`, 5_000, async () => {
      const seenMs = (await wallMsOf(replica).catch(() => Number.NaN)) - Date.now();
      return Math.abs(seenMs - aheadMs) < 1_400;
    });
    this.#stage.note(`the wall clock of ${replica.name} is ${aheadMs} ms ahead`);
    return steppedMs;
  }

  async #set(index: number, aheadMs: number): Promise<void> {
    this.#aheadMs[index] = aheadMs;
    const file = this.#file(index);
    await writeFile(`${file}.new`, `+${aheadMs / 1_000}\n`);
    // It must never be read half-written.
    await rename(`${file}.new`, file);
  }

  #file(index: number): string {
    return join(this.#directory, `ahead-${index}`);
  }
}

/** By the date of an answer to a probe; whole seconds. */
async function wallMsOf(replica: Replica): Promise<number> {
  const { headers } = await fetch(`${probeUrlOf(replica)}/livez`, { signal: AbortSignal.timeout(5_000) });
  return Date.parse(headers.get('date') ?? '');
}

/**
 * Judges what the clocks' rates did: an answer of the old leader is trusted by its application on the same slow or fast clock.
 *
 * @throws Error when its clock did not run at that rate, or it was trusted still when the next leader began
 */
function judgeRates(old: Replica, rate: number, next: Replica, sinceMs: number): void {
  const claims = old.answers.filter(({ sentMs, isLeader }) => sentMs >= sinceMs && isLeader);
  const renewed = claims.findLastIndex(({ validForMs }, i) => validForMs > (claims[i - 1]?.validForMs ?? 0));
  const [first, last] = [claims[renewed], claims.at(-1)];
  if (first === undefined || last === undefined) throw new Error(`${old.name} was lost before it was asked`);
  const seen = (first.validForMs - last.validForMs) / (last.receivedMs - first.receivedMs);
  if (Math.abs(seen - rate) > 0.04) throw new Error(`the clock of ${old.name} runs at ${seen} instead of ${rate}`);
  const trustedUntilMs = Math.max(...claims.map(({ sentMs, validForMs }) => sentMs + validForMs / rate));
  const beganMs = next.answers.find(({ sentMs, isLeader }) => sentMs >= sinceMs && isLeader)!.receivedMs;
  if (beganMs < trustedUntilMs) throw new Error(`${old.name} was trusted until ${next.name} led, and longer`);
}

export const wallClock: readonly Fault[] = [...stepped, clockRates];

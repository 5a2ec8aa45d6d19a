import type { Scene } from './scene.ts';

/** One moment at one place, with what it takes to end it. */
export type Fault = (scene: Scene, place: number) => void;

/** What every promise holds through. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  // --- the network, and what stands in it
  cutOff: (scene, place) => scene.weather(place, { cutOff: true }, scene.span()),
  refused: (scene) => scene.weatherForAll({ refused: true }, scene.span()),
  lossBefore: (scene, place) => scene.weather(place, { lossBefore: 0.6 }, scene.span()),
  lossAfter: (scene, place) => scene.weather(place, { lossAfter: 0.6 }, scene.span()),
  /** No request is answered, while the watch goes on. */
  hangs: (scene, place) =>
    scene.weather(place, scene.random.chance(0.5) ? { lossBefore: 1 } : { lossAfter: 1 }, scene.span()),
  resets: (scene, place) => scene.weather(place, { resetBefore: 0.3, resetAfter: 0.3 }, scene.span()),
  slow: (scene, place) => scene.weather(place, { delayMs: scene.random.between(50, 3_000) }, scene.span()),
  slowForAll: (scene) => scene.weatherForAll({ delayMs: scene.random.between(50, 1_500) }, scene.span()),
  duplicates: (scene, place) => scene.weather(place, { duplicateBefore: 0.3, duplicateAfter: 0.4 }, scene.span()),

  // --- the API server, and what answers for it
  staleReads: (scene, place) => scene.weather(place, { stale: 0.8, resetAfter: 0.2 }, scene.span()),
  throttled: (scene) => scene.weatherForAll({ throttled: 0.7 }, scene.span()),
  serverErrors: (scene) => scene.weatherForAll({ serverErrorBefore: 0.3, serverErrorAfter: 0.3 }, scene.span()),
  conflicts: (scene, place) => scene.weather(place, { conflictBefore: 0.4, conflictAfter: 0.3 }, scene.span()),
  refusedAsInvalid: (scene, place) => scene.weather(place, { invalid: 0.7 }, scene.span()),
  tokenExpired: (scene, place) => scene.weather(place, { unauthorized: 1 }, scene.span()),
  forbidden: (scene, place) => scene.weather(place, { forbidden: 1 }, scene.span()),
  watchGaps: (scene, place) => scene.weather(place, { watchDrop: 0.5, watchDuplicate: 0.2 }, scene.span()),
  watchEnds: (scene, place) => scene.weather(place, { watchEnd: 0.5, watchGone: 0.2 }, scene.span()),
  watchSilent: (scene, place) => scene.weather(place, { watchSilence: 1 }, scene.span()),
  compacted: ({ server }) => server.compact(),

  // --- machines and processes
  stopped: (scene, place) => scene.stop(place, 'stop'),
  suspended: (scene, place) => scene.stop(place, 'suspend'),
  wallClockStepped: (scene, place) => scene.stepWallClock(place, scene.random.between(-3_600_000, 3_600_000)),
  crashed: (scene, place) => scene.crash(place, false),
  restarted: (scene, place) => scene.crash(place, true),
  terminated: (scene, place) => scene.terminate(place),
  cloned: (scene, place) => scene.clone(place),
  steppedDown: (scene, place) => scene.control(place, ({ runner }) => void runner.stepDown({ immediate: false })),
  paused: (scene, place) => {
    scene.control(place, ({ runner }) => void runner.pause({ immediate: false }));
    scene.later(scene.span(), () => scene.control(place, ({ runner }) => runner.resume()));
  },
  /** It is to lead next, whether it lives or not. */
  transferred: (scene, place) => {
    const to = scene.cast.at((place + 1) % scene.cast.size)?.identity ?? 'nobody';
    scene.control(place, ({ runner }) => void runner.stepDown({ immediate: false, to }));
  },

  // --- applications
  sickened: (scene, place) => scene.sicken(place, scene.random.chance(0.5), scene.span()),
  /** As when what all of them need is gone. */
  allSickened: (scene) => {
    const forMs = scene.span();
    const ended = scene.random.chance(0.3);
    for (let place = 0; place < scene.cast.size; place += 1) scene.sicken(place, ended, forMs);
  },
  flapping: (scene, place) => {
    for (let second = 0; second < 20; second += 2) {
      scene.later(second * 1_000, () => scene.sicken(place, scene.random.chance(0.5), 1_000));
    }
  },

  // --- the Lease
  leaseDeleted: (scene) => scene.remove(),
  /** Somebody who saw that the Lease is missing looks away while others go on. */
  deletedAndCutOff: (scene, place) => {
    const { leaseDurationMs } = scene.cast.timings;
    scene.remove();
    scene.later(scene.random.between(0, 3_000), () => scene.weather(place, { cutOff: true }, leaseDurationMs * 1.7));
    scene.later(leaseDurationMs * scene.random.between(1, 1.8), () => scene.remove());
    const other = (place + 1) % scene.cast.size;
    scene.later(leaseDurationMs * 1.5, () => scene.weather(other, { cutOff: true }, scene.span()));
  },
};

/** What nobody can be safe from; the oracle looks away until every claim from before has ended. */
export const OUTRAGES: Readonly<Record<string, Fault>> = {
  frozen: (scene, place) => scene.stop(place, 'freeze'),
  foreignHolder: (scene) =>
    scene.edit({
      holderIdentity: 'stranger',
      leaseDurationSeconds: someSeconds(scene),
      leaseTransitions: scene.random.whole(0, 100),
    }),
  /** The Lease is given to a replica that did not ask for it. */
  givenTo: (scene, place) => scene.edit({ holderIdentity: scene.cast.at(place)?.identity ?? 'stranger' }),
  edited: (scene) =>
    scene.edit(
      scene.random.pick([
        { leaseDurationSeconds: 1 },
        { leaseDurationSeconds: someSeconds(scene) },
        { leaseDurationSeconds: null },
        { leaseTransitions: 0 },
        { leaseTransitions: 2 ** 31 - 1 },
        { acquireTime: '2000-01-01T00:00:00.000000Z' },
        { renewTime: '2000-01-01T00:00:00.000000Z' },
        { renewTime: null, acquireTime: null },
        { holderIdentity: '' },
        {},
      ]),
    ),
  leaseRecreated: (scene) =>
    scene.recreate(
      scene.random.chance(0.5) ? {} : { holderIdentity: 'stranger', leaseDurationSeconds: someSeconds(scene) },
    ),
  restored: (scene) => scene.restore(scene.random.between(500, 40_000)),
};

/** A lease duration, as a hand that means no good might write it. */
function someSeconds({ cast, random }: Scene): number {
  return Math.ceil((cast.timings.leaseDurationMs * random.between(0.2, 2)) / 1_000);
}

import type { MemberScene } from './scene.ts';

/** One moment at one place, with what it takes to end it. */
export type MemberFault = (scene: MemberScene, place: number) => void;

/** What every promise about heartbeats holds through. */
export const MEMBER_FAULTS: Readonly<Record<string, MemberFault>> = {
  // --- the network, and what stands in it
  hiccup: (scene, place) => scene.hiccup(place),
  cutOff: (scene, place) => scene.weather(place, { cutOff: true }, scene.span()),
  refused: (scene) => scene.weatherForAll({ refused: true }, scene.span()),
  lossBefore: (scene, place) => scene.weather(place, { lossBefore: 0.6 }, scene.span()),
  lossAfter: (scene, place) => scene.weather(place, { lossAfter: 0.6 }, scene.span()),
  resets: (scene, place) => scene.weather(place, { resetBefore: 0.3, resetAfter: 0.3 }, scene.span()),
  slow: (scene, place) => scene.weather(place, { delayMs: scene.random.between(20, 1_000) }, scene.span()),
  duplicates: (scene, place) => scene.weather(place, { duplicateBefore: 0.3, duplicateAfter: 0.4 }, scene.span()),

  // --- the API server, and what answers for it
  staleReads: (scene, place) => scene.weather(place, { stale: 0.8, resetAfter: 0.2 }, scene.span()),
  throttled: (scene) => scene.weatherForAll({ throttled: 0.7 }, scene.span()),
  serverErrors: (scene) => scene.weatherForAll({ serverErrorBefore: 0.3, serverErrorAfter: 0.3 }, scene.span()),
  conflicts: (scene, place) => scene.weather(place, { conflictBefore: 0.4, conflictAfter: 0.3 }, scene.span()),
  refusedAsInvalid: (scene, place) => scene.weather(place, { invalid: 0.7 }, scene.span()),
  tokenExpired: (scene, place) => scene.weather(place, { unauthorized: 1 }, scene.span()),
  watchGaps: (scene, place) => scene.weather(place, { watchDrop: 0.5, watchDuplicate: 0.2 }, scene.span()),
  watchEnds: (scene, place) => scene.weather(place, { watchEnd: 0.3, watchGone: 0.2 }, scene.span()),
  watchSilent: (scene, place) => scene.weather(place, { watchSilence: 1 }, scene.span()),
  compacted: ({ server }) => server.compact(),
  restored: (scene) => scene.restore(),

  // --- machines and processes
  stopped: (scene, place) => scene.stop(place, 'stop'),
  suspended: (scene, place) => scene.stop(place, 'suspend'),
  frozen: (scene, place) => scene.stop(place, 'freeze'),
  stoppedUntilCollected: (scene, place) => scene.stopUntilRead(place),
  wallClockStepped: (scene, place) => scene.stepWallClock(place, scene.random.between(-3_600_000, 3_600_000)),
  crashed: (scene, place) => scene.crash(place, false),
  restarted: (scene, place) => scene.crash(place, true),
  terminated: (scene, place) => scene.terminate(place),
  doubled: (scene, place) => scene.double(place),
  doubledAndStopped: (scene, place) => scene.doubleUntilRead(place),

  // --- the Lease
  leaseDeleted: (scene, place) => scene.server.remove(scene.leaseAt(place)),
  leaseAnnotated: (scene, place) => scene.server.annotate(scene.leaseAt(place), String(scene.random.next())),
};

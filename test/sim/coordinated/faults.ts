import type { Weather } from '../network.ts';
import type { CoordinatedScene } from './scene.ts';

type Fault = (scene: CoordinatedScene, place: number) => void;

/** Bad weather at one place, of some strength. */
const weather =
  (...kinds: (keyof Weather)[]): Fault =>
  (scene, place) => {
    const change: Record<string, number> = {};
    for (const kind of kinds) change[kind] = scene.random.between(0.05, 0.6);
    scene.weather(place, change as Partial<Weather>, scene.span());
  };

/** What goes wrong. None of it loses single events of a watch: Kubernetes tells all, or ends the watch. */
export const COORDINATED_FAULTS: Readonly<Record<string, Fault>> = {
  loss: weather('lossBefore', 'lossAfter'),
  reset: weather('resetBefore', 'resetAfter'),
  twice: weather('duplicateBefore', 'duplicateAfter'),
  serverErrors: weather('serverErrorBefore', 'serverErrorAfter', 'throttled'),
  conflicts: weather('conflictBefore', 'conflictAfter'),
  watches: weather('watchEnd', 'watchGone', 'watchDuplicate'),
  silence: weather('watchSilence'),
  slow: (scene, place) => scene.weather(place, { delayMs: scene.random.between(100, 1_500) }, scene.span()),
  cutOff: (scene, place) => scene.weather(place, { cutOff: true }, scene.span()),
  refused: (scene, place) => scene.weather(place, { refused: true }, scene.span()),
  stop: (scene, place) => scene.stop(place, 'stop'),
  suspend: (scene, place) => scene.stop(place, 'suspend'),
  crash: (scene, place) => scene.crash(place),
  replace: (scene, place) => scene.replace(place),
  rollout: (scene) => {
    for (let place = 0; place < scene.size; place += 1) {
      scene.later(place * scene.random.between(5_000, 40_000), () => scene.replace(place));
    }
  },
  stepDown: (scene, place) => scene.stepDown(place),
  pause: (scene, place) => scene.pause(place, scene.random.between(5_000, 60_000)),
  sicken: (scene, place) => scene.sicken(place, scene.random.between(5_000, 60_000)),
  wallClock: (scene, place) => scene.stepWallClock(place, scene.random.between(-30_000, 30_000), scene.span()),
  leaseRemoved: (scene) => scene.removeLease(),
  candidateRemoved: (scene, place) => scene.removeCandidate(place),
  candidatesRefused: ({ server, random }) => {
    server.refuseCandidates(random.chance(0.5) ? 'Conflict' : 'InternalError', random.between(5_000, 60_000));
  },
  controllerStalls: (scene) => scene.controller.stall(scene.span()),
  watchesEnd: (scene) => scene.server.restart(),
};

import { afterAll, describe, expect } from 'vitest';
import { BRISK } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import { until } from '../replica/until.ts';
import { type ControllerManager, startControllerManager } from '../support/controller-manager.ts';
import { Client } from './client.ts';
import { Deployment, type Ending } from './deployment.ts';
import { type FailOver, failOver } from './fail-over.ts';
import { WAYS } from './ways.ts';

const GRACEFUL = 20;
const CRASHES = 10;
/**
 * What Leasegate itself writes. The bench tells how soon it is, on a quiet machine within 100 ms; here it must only be clear that
 * nothing waits. The EndpointSlice controller follows in its own time: it may back off for seconds.
 */
const PROMPT_MS = 2_000;

onControlPlane();

let manager: Promise<ControllerManager> | undefined;
afterAll(async () => (await manager)?.close());

function endings(): Ending[] {
  const graceful = Array.from(
    { length: GRACEFUL },
    (_, index): Ending => (index % 2 === 0 ? 'deleted' : 'stepped-down'),
  );
  return [...graceful, ...Array.from({ length: CRASHES }, (): Ending => 'lost')];
}

/** In the order of writes, whatever anybody saw when. */
function expectInOrder({ how, released, acquired, unclaimed, withdrawn, served }: FailOver): void {
  expect(acquired.revision, 'the new leader serves when it leads').toBeLessThan(served.revision);
  expect(withdrawn.revision, 'the old one no more serves when the new one does').toBeLessThanOrEqual(served.revision);
  if (how === 'lost') expect(released).toBeNull();
  else expect((unclaimed ?? withdrawn).revision, 'undone before the release').toBeLessThan(released!.revision);
}

describe.concurrent('at the same time', () => {
  WAYS.forEach((way, index) => {
    const claim = `${way.publish}: clients are sent to the leader alone, through ${GRACEFUL} hand-overs and ${CRASHES} lost nodes`;
    scenario(claim, { timings: BRISK, askEveryMs: 50, timeoutMs: 400_000 }, async (scene) => {
      manager ??= startControllerManager(scene.controlPlane);
      await manager;
      const deployment = await Deployment.open(scene, way, index + 1);
      const client = new Client(() => deployment.service.targets());
      try {
        const first = await deployment.untilLeader();
        await deployment.untilServedBy(first);
        const leaders = [first.name];
        const failOvers: FailOver[] = [];
        for (const how of endings()) {
          await until('the leader answers the client', 5_000, () => client.answeredBy().length >= leaders.length);
          expect(deployment.findings()).toEqual([]);
          const done = await failOver(deployment, how);
          failOvers.push(done);
          leaders.push(done.successor.name);
          expectInOrder(done);
          if (how !== 'stepped-down') await deployment.replace(done.predecessor, how);
        }
        await until('the last one answers the client', 5_000, () => client.answeredBy().length >= leaders.length);
        await client.stop();

        expect(deployment.findings()).toEqual([]);
        expect(client.answeredBy()).toEqual(leaders);
        const lost = new Set(failOvers.filter(({ how }) => how === 'lost').map(({ predecessor }) => predecessor.name));
        expect(client.failures().filter(({ pod }) => !lost.has(pod))).toEqual([]);
        const worst = (of: (each: FailOver) => number) => Math.max(...failOvers.map(of));
        expect(worst(({ acquired, claimed, served }) => (claimed ?? served).atMs - acquired.atMs)).toBeLessThan(
          PROMPT_MS,
        );
        expect(
          worst(({ acquired, unclaimed, withdrawn }) => (unclaimed ?? withdrawn).atMs - acquired.atMs),
        ).toBeLessThan(PROMPT_MS);
      } finally {
        await client.stop();
        await deployment.close();
      }
    });
  });
});

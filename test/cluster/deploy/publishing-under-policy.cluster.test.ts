import { afterAll, expect } from 'vitest';
import { Deployment } from '../publish/deployment.ts';
import { failOver } from '../publish/fail-over.ts';
import { WAYS } from '../publish/ways.ts';
import { BRISK } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import { until } from '../replica/until.ts';
import { type ControllerManager, startControllerManager } from '../support/controller-manager.ts';
import { applyPolicy, clientOf, ELECTION, isRefusal } from './policy-scene.ts';

onControlPlane();

let manager: Promise<ControllerManager> | undefined;
afterAll(async () => (await manager)?.close());

const SERVICE_ACCOUNT = 'app';

WAYS.forEach((way, index) => {
  const claim = `under the admission policy ${way.publish} still follows the leader, past a dead one and a graceful one`;
  scenario(claim, { timings: BRISK, askEveryMs: 50, timeoutMs: 180_000 }, async (scene) => {
    const { controlPlane, namespace, leaseName } = scene;
    manager ??= startControllerManager(controlPlane);
    await manager;
    await scene.serviceAccountUid(SERVICE_ACCOUNT);
    await controlPlane.kubectl('-n', namespace, 'label', 'serviceaccount', SERVICE_ACCOUNT, `${ELECTION}=${leaseName}`);
    await applyPolicy(controlPlane);
    const outside = await clientOf(controlPlane, { namespace, serviceAccount: SERVICE_ACCOUNT });
    const foreign = { metadata: { name: 'foreign' } };
    await until('the policy is enforced', 30_000, async () =>
      isRefusal(await outside.post(`${scene.leasePath.replace(/\/[^/]+$/, '')}?dryRun=All`, foreign)),
    );

    const deployment = await Deployment.open(scene, way, index + 1);
    try {
      await deployment.untilServedBy(await deployment.untilLeader());
      const lost = await failOver(deployment, 'lost');
      await deployment.replace(lost.predecessor, 'lost');
      const deleted = await failOver(deployment, 'deleted');
      await deployment.replace(deleted.predecessor, 'deleted');
      await deployment.untilServedBy(await deployment.untilLeader());
      expect(deployment.findings()).toEqual([]);
      const failures = scene.replicas.flatMap((replica) => replica.logged('PUBLISH_FAILED'));
      expect(failures).toEqual([]);

      // That the policy was there all the time.
      const [one, another] = deployment.pods;
      if (way.publish === 'endpointslice') return;
      const pod = { name: one!.name, uid: one!.replica.podUid };
      const replica = await clientOf(controlPlane, { namespace, serviceAccount: SERVICE_ACCOUNT, pod });
      const { status } = await replica.patch(another!.path, { metadata: { labels: { app: 'other' } } });
      expect(status).toBe(403);
    } finally {
      await deployment.close();
    }
  });
});

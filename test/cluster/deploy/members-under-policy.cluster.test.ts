import { expect } from 'vitest';
import { BRISK, type Replica } from '../replica/replica.ts';
import { shippedRules } from '../replica/role.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import { expectStatus } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { applyPolicy, boundToken, clientOf, ELECTION, isRefusal } from './policy-scene.ts';

onControlPlane();

const SERVICE_ACCOUNT = 'app';
const RULE = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
};
const env = { LEASEGATE_MEMBERS: 'true', LEASEGATE_MEMBERS_DURATION: '3s', LEASEGATE_MEMBERS_INTERVAL: '1s' };

const claim = 'under the admission policy members keep and delete their own Leases, and no others';
scenario(claim, { timings: BRISK, askEveryMs: 50 }, async (scene) => {
  const { controlPlane, namespace, leaseName } = scene;
  const { admin } = controlPlane;
  const leases = scene.leasePath.replace(/\/[^/]+$/, '');
  await scene.setRules([...(await shippedRules(leaseName)), RULE]);
  await scene.serviceAccountUid(SERVICE_ACCOUNT);
  await controlPlane.kubectl('-n', namespace, 'label', 'serviceaccount', SERVICE_ACCOUNT, `${ELECTION}=${leaseName}`);
  await applyPolicy(controlPlane);
  const outside = await clientOf(controlPlane, { namespace, serviceAccount: SERVICE_ACCOUNT });
  await until('the policy is enforced', 30_000, async () =>
    isRefusal(await outside.post(`${leases}?dryRun=All`, { metadata: { name: 'foreign' } })),
  );
  await scene.shipLease();

  const start = async (name: string): Promise<Replica> => {
    const spec = { serviceAccountName: SERVICE_ACCOUNT, containers: [{ name: 'app', image: 'example.com/app' }] };
    const { body } = await expectStatus(
      admin.post(`/api/v1/namespaces/${namespace}/pods`, { metadata: { name }, spec }),
      201,
    );
    const { uid } = body.metadata;
    const token = await boundToken(controlPlane, namespace, SERVICE_ACCOUNT, { name, uid });
    return scene.startReplica({ podName: name, podUid: uid, token, env });
  };
  const [witness, crashing] = [await start('witness'), await start('crashing')];
  await Promise.all([witness, crashing].map((replica) => replica.untilWatching(30_000)));
  const members = async () => (await witness.api.get('/members')).json.members as { pod: string; alive: boolean }[];
  await until('both are known', 30_000, async () => (await members()).filter(({ alive }) => alive).length === 2);
  const stored = async () => {
    const { body } = await admin.get(`${leases}?labelSelector=leasegate.dev/lease=member`);
    return body.items as { metadata: { name: string; ownerReferences: { name: string; kind: string }[] } }[];
  };
  const owners = (await stored()).map(({ metadata }) => metadata.ownerReferences.map(({ kind, name }) => [kind, name]));
  expect(owners.toSorted()).toEqual([[['Pod', 'crashing']], [['Pod', 'witness']]]);

  crashing.kill();
  await until(
    'it says that the dead are left to Kubernetes',
    40_000,
    () => witness.logged('MEMBER_KEPT_BACK').length > 0,
  );
  expect(await stored()).toHaveLength(2);
  expect((await members()).map(({ pod, alive }) => [pod, alive])).toEqual([
    ['crashing', false],
    ['witness', true],
  ]);
  expect(witness.logged('MEMBER_KEPT_BACK')).toHaveLength(1);

  const pod = { name: 'witness', uid: witness.podUid };
  const replica = await clientOf(controlPlane, { namespace, serviceAccount: SERVICE_ACCOUNT, pod });
  expect((await replica.delete(scene.leasePath)).status).toBe(403);
  await witness.leave();
  const left = (await stored()).map(({ metadata }) => metadata.ownerReferences[0]?.name);
  expect(left).toEqual(['crashing']);
});

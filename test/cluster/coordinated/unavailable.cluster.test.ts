import { expect } from 'vitest';
import { BRISK } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';

onControlPlane();

const COORDINATED = { LEASEGATE_COORDINATED: 'true', LEASEGATE_APP_VERSION: '1.0.0' };

scenario(
  'where the control plane has it off, a replica ends with an error that names gate and runtime-config',
  { timings: BRISK },
  async (scene) => {
    await scene.shipLease();
    const replica = await scene.startReplica({ env: COORDINATED });
    const { level, remedy } = await replica.untilLogged('COORDINATED_UNAVAILABLE', 30_000);
    expect(level).toBe('fatal');
    expect(remedy).toContain('--feature-gates=CoordinatedLeaderElection=true');
    expect(remedy).toContain('--runtime-config=coordination.k8s.io/v1beta1=true');
    await replica.closed();
    expect(replica.exitCode).toBe(1);
    expect((await scene.lease()).spec.holderIdentity).toBe('');
  },
);

scenario(
  'an API server that can not be reached at the start is waited for, and the listeners are up meanwhile',
  { timings: BRISK },
  async (scene) => {
    await scene.shipLease();
    const token = await scene.tokenFor('pod-1');
    await scene.controlPlane.stopApiServer();
    const replica = await scene.startReplica({ env: COORDINATED, podName: 'pod-1', token }).catch(async (error) => {
      await scene.controlPlane.startApiServer();
      throw error;
    });
    const api = await replica.listening;
    await replica.untilLogged('COORDINATED_UNKNOWN', 30_000);
    expect((await api.probe('/healthz')).status).toBe(200);
    expect((await api.get('/leader')).json).toMatchObject({ isLeader: false, leader: null });
    await scene.controlPlane.startApiServer();
    await replica.untilLogged('COORDINATED_UNAVAILABLE', 60_000);
    await replica.closed();
  },
);

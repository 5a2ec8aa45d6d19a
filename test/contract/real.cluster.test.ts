import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe } from 'vitest';
import { type ControlPlane, startControlPlane } from '../cluster/support/control-plane.ts';
import { leaseApiContract } from './lease-api-contract.ts';
import type { ContractTarget } from './target.ts';

let controlPlane: ControlPlane;
let target: ContractTarget;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  const made = await controlPlane.admin.post('/api/v1/namespaces/default/serviceaccounts', {
    metadata: { name: 'contract-nobody' },
  });
  if (made.status !== 201) throw new Error(`service account: ${JSON.stringify(made.body)}`);
  target = {
    url: controlPlane.url,
    ca: await readFile(controlPlane.caFile),
    adminToken: controlPlane.adminToken,
    nobody: {
      token: await controlPlane.serviceAccountToken('default', 'contract-nobody'),
      user: 'system:serviceaccount:default:contract-nobody',
    },
    // Its history is in memory: a new process has none from before.
    forgetHistory: async () => {
      await controlPlane.stopApiServer();
      await controlPlane.startApiServer();
    },
  };
});

afterAll(() => controlPlane?.close());

describe('a real kube-apiserver', () => {
  leaseApiContract(() => target);
});

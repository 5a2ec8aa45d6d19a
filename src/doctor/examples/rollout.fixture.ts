import { budgetOf, failed, found } from '../cluster.fixture.ts';
import { type Example, gated } from './example.fixture.ts';

export const ROLLOUT_EXAMPLES: Example[] = [
  {
    claim: 'a Deployment that recreates its pods',
    arrange: (cluster) => cluster.deploy({ replicas: 3, strategy: { type: 'Recreate' } }),
    plan: gated,
    code: 'ROLLOUT_OK',
    level: 'ok',
  },
  {
    claim: 'a Deployment with the usual rolling update',
    arrange: (cluster) => cluster.deploy({ replicas: 3 }),
    plan: gated,
    code: 'ROLLOUT_STALLS',
    level: 'error',
    remedy: /Recreate/,
  },
  {
    claim: 'a Deployment that reports failure of each rollout',
    arrange: (cluster) => cluster.deploy({ replicas: 3, strategy: { type: 'Recreate' } }),
    plan: gated,
    code: 'ROLLOUT_DEADLINE',
    level: 'warning',
    remedy: /2147483647/,
  },
  {
    claim: 'a StatefulSet that starts one pod after another',
    arrange: (cluster) => cluster.deploy({ replicas: 3 }, 'StatefulSet'),
    plan: gated,
    code: 'ROLLOUT_ORDERED',
    level: 'error',
    remedy: /Parallel/,
  },
  {
    claim: 'a Deployment that may not be read',
    arrange: (cluster) => {
      cluster.deploy({ replicas: 3 });
      cluster.workloads['Deployment/web'] = failed('forbidden');
    },
    plan: gated,
    code: 'ROLLOUT_UNKNOWN',
    level: 'skipped',
    remedy: /kubeconfig/,
  },
  {
    claim: 'no disruption budget',
    arrange: (cluster) => cluster.deploy({ replicas: 3 }),
    plan: gated,
    code: 'DISRUPTION_OK',
    level: 'ok',
  },
  {
    claim: 'a disruption budget that keeps two',
    arrange: (cluster) => {
      cluster.deploy({ replicas: 3 });
      cluster.budgets = found([budgetOf('web', { minAvailable: 2 })]);
    },
    plan: gated,
    code: 'DISRUPTION_BLOCKED',
    level: 'error',
    remedy: /maxUnavailable to 100%/,
  },
  {
    claim: 'disruption budgets that may not be read',
    arrange: (cluster) => {
      cluster.deploy({ replicas: 3 });
      cluster.budgets = failed('forbidden');
    },
    plan: gated,
    code: 'DISRUPTION_UNKNOWN',
    level: 'skipped',
    remedy: /kubeconfig/,
  },
];

import type { Reading } from '../ports/doctor.ts';
import { COORDINATION_FLAGS } from '../ports/lease-candidates.ts';
import { error, type Finding, ok, skipped, warning } from './finding.ts';

/** What the API server says of coordinated elections. */
export interface CoordinationReading {
  /** Version of LeaseCandidate that it serves; null where it serves none. */
  readonly version: Reading<string | null>;
  /** Whether the controller that chooses has ever run: it elects itself on a Lease in `kube-system`. */
  readonly controller: Reading<boolean>;
}

const FLAGS = `${COORDINATION_FLAGS} (Kubernetes 1.33 or later)`;

/** Whether the control plane chooses a leader. */
export function judgeCoordination({ version, controller }: CoordinationReading): Finding[] {
  if (!version.ok) {
    const message = `it can't be told whether the API server serves LeaseCandidates: ${version.failure.message}`;
    return [
      skipped('COORDINATED_UNKNOWN', message, 'ask with `kubectl api-resources --api-group=coordination.k8s.io`'),
    ];
  }
  if (version.value === null) {
    return [
      error(
        'COORDINATED_UNAVAILABLE',
        'the API server serves no LeaseCandidates: nobody would ever lead',
        `start every kube-apiserver with ${FLAGS}, or unset LEASEGATE_COORDINATED`,
      ),
    ];
  }
  const served = `the API server serves LeaseCandidate ${version.value}`;
  if (controller.ok && !controller.value) {
    return [
      warning(
        'COORDINATED_IDLE',
        `${served}, but there is no Lease kube-system/leader-election-controller: nobody chooses among them`,
        `start every kube-apiserver with both of ${FLAGS}`,
      ),
    ];
  }
  return [ok('COORDINATED_OK', `${served}${controller.ok ? ', and has a controller that chooses' : ''}`)];
}

import type { Patch, Pod, PodCondition } from '../ports/publisher.ts';
import { GATE_CONDITION } from './names.ts';
import { ofThisVersion, ownTarget, type PodFacet } from './pod-facet.ts';

/** The condition `leasegate.dev/leader`: with a readiness gate of that type, only the leader's pod is Ready. */
export function readinessGate(lease: { readonly namespace: string; readonly name: string }): PodFacet {
  const of = `Lease ${lease.namespace}/${lease.name}`;
  return {
    publisher: 'readiness-gate',
    ofStatus: true,
    lead(own, token, wallMs) {
      const message = `holds ${of} with fencing token ${token}`;
      const present = gateOf(own);
      if (present?.status === 'True' && present.message === message) return null;
      return write(own, ofThisVersion(own), { status: 'True', reason: 'Leading', message }, wallMs);
    },
    standBy(own, afterTerm, wallMs) {
      if (afterTerm === null && gateOf(own)?.status === 'False') return null;
      const since = afterTerm === null ? '' : `: its term with fencing token ${afterTerm} is over`;
      const condition = { status: 'False', reason: 'Standby', message: `does not hold ${of}${since}` };
      return write(own, ownTarget(own, afterTerm), condition, wallMs);
    },
    clear(other, token, fence, wallMs) {
      const message = `another replica holds ${of} with fencing token ${token}`;
      const present = gateOf(other);
      const stale = present?.status === 'True';
      if (!stale && (!fence || present?.message === message)) return null;
      return write(other, ofThisVersion(other), { status: 'False', reason: 'Superseded', message }, wallMs);
    },
  };
}

/** Whether the pod's readiness depends on the condition at all. */
export function hasGate({ spec }: Pod): boolean {
  return spec?.readinessGates?.some(({ conditionType }) => conditionType === GATE_CONDITION) ?? false;
}

function gateOf({ status }: Pod): PodCondition | undefined {
  return status?.conditions?.find(({ type }) => type === GATE_CONDITION);
}

/** As the kubelet keeps conditions: the time of the last transition changes with the status, and only then. */
function write(pod: Pod, target: Patch, condition: Omit<PodCondition, 'type'>, wallMs: number): Patch {
  const present = gateOf(pod);
  const unchanged = present?.status === condition.status && present.lastTransitionTime;
  const lastTransitionTime = unchanged || `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
  return {
    metadata: target,
    status: { conditions: [{ type: GATE_CONDITION, ...condition, lastTransitionTime }] },
  };
}

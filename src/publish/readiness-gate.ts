import type { Patch, Pod, PodCondition } from '../ports/publisher.ts';
import { GATE_CONDITION } from './names.ts';
import { ofThisVersion, ownTarget, type PodFacet } from './pod-facet.ts';

/**
 * The condition `leasegate.dev/leader`: with a readiness gate of that type, only the leader's pod is Ready. To become so is the
 * kubelet's to say. That a pod is so no more is written with the condition: a kubelet that is slow, or gone with its node,
 * would leave two pods Ready.
 */
export function readinessGate(lease: { readonly namespace: string; readonly name: string }): PodFacet {
  const of = `Lease ${lease.namespace}/${lease.name}`;
  return {
    publisher: 'readiness-gate',
    ofStatus: true,
    lead(own, token, wallMs) {
      const message = `holds ${of} with fencing token ${token}`;
      const present = conditionOf(own, GATE_CONDITION);
      if (present?.status === 'True' && present.message === message) return null;
      return write(
        own,
        ofThisVersion(own),
        [{ type: GATE_CONDITION, status: 'True', reason: 'Leading', message }],
        wallMs,
      );
    },
    standBy(own, afterTerm, wallMs) {
      if (afterTerm === null && conditionOf(own, GATE_CONDITION)?.status === 'False' && !readyInSpite(own)) return null;
      const since = afterTerm === null ? '' : `: its term with fencing token ${afterTerm} is over`;
      return close(own, ownTarget(own, afterTerm), 'Standby', `does not hold ${of}${since}`, wallMs);
    },
    clear(other, token, fence, wallMs) {
      const message = `another replica holds ${of} with fencing token ${token}`;
      const present = conditionOf(other, GATE_CONDITION);
      const stale = present?.status === 'True' || readyInSpite(other);
      if (!stale && (!fence || present?.message === message)) return null;
      return close(other, ofThisVersion(other), 'Superseded', message, wallMs);
    },
  };
}

/** Whether the pod's readiness depends on the condition at all. */
export function hasGate({ spec }: Pod): boolean {
  return spec?.readinessGates?.some(({ conditionType }) => conditionType === GATE_CONDITION) ?? false;
}

function conditionOf({ status }: Pod, type: string): PodCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Of a pod that does not lead: its gate is closed, and still it is Ready. */
function readyInSpite(pod: Pod): boolean {
  return hasGate(pod) && conditionOf(pod, 'Ready')?.status === 'True';
}

/**
 * Not in the kubelet's own words: these prompt it to find out anew (pkg/kubelet, NeedToReconcilePodReadiness), and to write
 * the same in its words. Where it finds its words it goes on to hold the pod for Ready, and writes that again soon after.
 */
const NOT_READY: PodCondition = {
  type: 'Ready',
  status: 'False',
  reason: 'ReadinessGatesNotReady',
  message: `this replica does not lead: readiness gate "${GATE_CONDITION}" is closed`,
};

function close(pod: Pod, target: Patch, reason: string, message: string, wallMs: number): Patch {
  const closed = { type: GATE_CONDITION, status: 'False', reason, message };
  return write(pod, target, hasGate(pod) ? [closed, NOT_READY] : [closed], wallMs);
}

/** As the kubelet keeps conditions: the time of the last transition changes with the status, and only then. */
function write(pod: Pod, target: Patch, conditions: readonly PodCondition[], wallMs: number): Patch {
  const now = `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
  const timed = conditions.map((condition) => {
    const present = conditionOf(pod, condition.type);
    const unchanged = present?.status === condition.status && present.lastTransitionTime;
    return { ...condition, lastTransitionTime: unchanged || now };
  });
  return { metadata: target, status: { conditions: timed } };
}

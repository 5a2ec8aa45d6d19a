import type { PodReading, Reading } from '../ports/doctor.ts';
import { ELECTION_LABEL, GATE_CONDITION } from '../publish/names.ts';
import { error, type Finding, ok } from './finding.ts';
import type { Plan } from './plan.ts';

/** Whether the pod's label says already to which election it belongs. */
export function isLabelled(pod: PodReading | null, { election }: Plan): boolean {
  return pod?.metadata.labels?.[ELECTION_LABEL] === election;
}

export function hasGate(pod: PodReading | null): boolean {
  return pod?.spec?.readinessGates?.some(({ conditionType }) => conditionType === GATE_CONDITION) ?? false;
}

/** Whether the pod is the one that the options speak of, and its readiness gate goes with them. */
export function judgePod(reading: Reading<PodReading | null>, plan: Plan): Finding[] {
  const { pod, podNamespace, publishers } = plan;
  if (pod === null) return [];
  const subject = `pod ${podNamespace}/${pod.name}`;
  if (!reading.ok) {
    const message = `${subject} can't be read, so its readiness gate and what would replace it are not judged`;
    return [
      ok(
        'POD_UNREADABLE',
        `${message}: ${reading.failure.message}`,
        publishers.length === 0
          ? 'only publishing needs it'
          : 'run it with a kubeconfig that may read pods and what they belong to',
      ),
    ];
  }
  const found = reading.value;
  if (found === null) {
    // Outside a pod its name is that of a machine.
    if (publishers.length === 0) return [];
    const remedy = 'set POD_NAME, POD_NAMESPACE and POD_UID from the downward API (metadata.name, .namespace, .uid)';
    return [error('POD_MISSING', `there is no ${subject}: nothing can be published of it`, remedy)];
  }
  if (pod.uid !== null && pod.uid !== found.metadata.uid) {
    return [
      error(
        'POD_UID_DIFFERS',
        `${subject} has the uid ${found.metadata.uid}, and POD_UID says ${pod.uid}`,
        'set POD_UID from the downward API (fieldPath: metadata.uid)',
      ),
    ];
  }
  const gated = hasGate(found);
  const published = publishers.includes('readiness-gate');
  if (published && !gated) {
    return [
      error(
        'GATE_MISSING',
        `${subject} has no readiness gate ${GATE_CONDITION}: its readiness does not depend on who leads`,
        `add "readinessGates: [{conditionType: ${GATE_CONDITION}}]" to the spec of the pod template`,
      ),
    ];
  }
  if (gated && !published) {
    return [
      error(
        'GATE_UNPUBLISHED',
        `${subject} has the readiness gate ${GATE_CONDITION}, which nobody opens: it is never Ready`,
        'add readiness-gate to LEASEGATE_PUBLISH, or remove the gate from the pod template',
      ),
    ];
  }
  return [ok('POD_OK', `${subject} ${gated ? 'has the readiness gate' : 'is the one that the options speak of'}`)];
}

import type { PodReading, Reading } from '../ports/doctor.ts';
import { ELECTION_LABEL, GATE_CONDITION } from '../publish/names.ts';
import { error, type Finding, ok, skipped, warning } from './finding.ts';
import type { Plan } from './plan.ts';
import { inWords } from './words.ts';

/** Whether the pod's label says already to which election it belongs. */
export function isLabelled(pod: PodReading | null, { election }: Plan): boolean {
  return pod?.metadata.labels?.[ELECTION_LABEL] === election;
}

export function hasGate(pod: PodReading | null): boolean {
  return pod?.spec?.readinessGates?.some(({ conditionType }) => conditionType === GATE_CONDITION) ?? false;
}

const DOWNWARD = 'from the downward API (fieldPath: metadata.name, metadata.namespace, metadata.uid)';

/** For whoever named one by hand that is not there. */
export const POD_REMEDY = 'correct --pod or the namespace (--namespace, POD_NAMESPACE)';

/** Whether the pod is the one that the options speak of, its readiness gate goes with them, and its grace is long enough. */
export function judgePod(reading: Reading<PodReading | null>, plan: Plan): Finding[] {
  const { pod, podNamespace, publishers, envMissing } = plan;
  const findings: Finding[] = [];
  if (envMissing.length > 0) {
    findings.push(
      warning(
        'POD_ENV_MISSING',
        `this pod was not told ${envMissing.join(', ')}: after a restart of its container the Lease has to expire first, and nothing can be published`,
        `set ${envMissing.join(', ')} ${DOWNWARD}`,
      ),
    );
  }
  if (pod === null) return findings;
  const subject = `pod ${podNamespace}/${pod.name}`;
  if (!reading.ok) {
    const message = `${subject} can't be read, so neither it nor what would replace it is looked at: ${reading.failure.message}`;
    const remedy = 'the sidecar needs that for publishing only: run the doctor with your own kubeconfig and --pod';
    return [...findings, skipped('POD_UNREADABLE', message, remedy)];
  }
  const found = reading.value;
  if (found === null) {
    const message = `there is no ${subject}`;
    if (pod.from === '--pod') {
      return [...findings, error('POD_MISSING', message, POD_REMEDY)];
    }
    // Only publishing writes to it.
    const level = publishers.length === 0 ? warning : error;
    return [...findings, level('POD_MISSING', message, `set POD_NAME, POD_NAMESPACE and POD_UID ${DOWNWARD}`)];
  }
  if (pod.uid !== null && pod.uid !== found.metadata.uid) {
    const message = `${subject} has the uid ${found.metadata.uid}, and POD_UID says ${pod.uid}`;
    return [
      ...findings,
      error('POD_UID_DIFFERS', message, 'set POD_UID from the downward API (fieldPath: metadata.uid)'),
    ];
  }
  findings.push(...judgeGate(found, subject, plan), ...judgeGrace(found, subject, plan));
  return findings.length > 0 ? findings : [ok('POD_OK', `${subject} is as the options want it`)];
}

function judgeGate(pod: PodReading, subject: string, { publishers }: Plan): Finding[] {
  const published = publishers.includes('readiness-gate');
  if (published === hasGate(pod)) return [];
  return published
    ? [
        error(
          'GATE_MISSING',
          `${subject} has no readiness gate ${GATE_CONDITION}: its readiness does not depend on who leads`,
          `add "readinessGates: [{conditionType: ${GATE_CONDITION}}]" to the spec of the pod template`,
        ),
      ]
    : [
        error(
          'GATE_UNPUBLISHED',
          `${subject} has the readiness gate ${GATE_CONDITION}, which nobody opens: it is never Ready`,
          'add readiness-gate to LEASEGATE_PUBLISH, or remove the gate from the pod template',
        ),
      ];
}

const GRACE_SECONDS_DEFAULT = 30;

function judgeGrace({ spec }: PodReading, subject: string, { graceMsMin }: Plan): Finding[] {
  const seconds = spec?.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT;
  if (seconds * 1_000 >= graceMsMin) return [];
  return [
    warning(
      'GRACE_SHORT',
      `${subject} is killed ${seconds} s after it was told to end, and its sidecar may take ${inWords(graceMsMin)}: the Lease would not be released`,
      `set terminationGracePeriodSeconds to ${Math.ceil(graceMsMin / 1_000)} or more in the spec of the pod template`,
    ),
  ];
}

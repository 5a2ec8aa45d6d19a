import type { Reading } from '../ports/doctor.ts';
import { type Finding, ok, warning } from './finding.ts';
import { type Need, ruleOf } from './needs.ts';

/** A need with the API server's answers, one for each verb. */
export interface Answered {
  readonly need: Need;
  readonly answers: readonly Reading<boolean>[];
}

/** Which rights are missing, with the rule to add. `user`: whom the rule is for, where that is known. */
export function judgeRights(answered: readonly Answered[], user: string | null): Finding[] {
  const findings = answered.flatMap((each) => judge(each, user));
  if (findings.some(({ level }) => level !== 'ok')) return findings;
  const granted = answered.filter(({ answers }) => answers.every((answer) => answer.ok && answer.value));
  const purposes = new Set(granted.map(({ need }) => need.purpose));
  return [ok('RIGHTS_OK', `${user ?? 'the caller'} has the rights for ${[...purposes].join(', ')}`), ...findings];
}

function judge({ need, answers }: Answered, user: string | null): Finding[] {
  const { code, namespace, resource, name, verbs, helpful, consequence } = need;
  const findings: Finding[] = [];
  const failed = answers.find((answer) => !answer.ok);
  if (failed?.ok === false) {
    findings.push(
      warning(
        'RIGHTS_UNKNOWN',
        `whether ${resource} may be dealt with for ${need.purpose} could not be asked: ${failed.failure.message}`,
        'let the service account create selfsubjectaccessreviews (ClusterRole system:basic-user), or ask with kubectl auth can-i',
      ),
    );
  }
  const missing = verbs.filter((_, index) => {
    const answer = answers[index];
    return answer?.ok === true && !answer.value;
  });
  if (missing.length === 0) return findings;
  const object = name === null ? resource : `${resource} "${name}"`;
  const worse = missing.some((verb) => !helpful.includes(verb));
  const bound = user === null ? "the pod's service account" : user;
  findings.push({
    code,
    level: need.level === 'error' && !worse ? 'warning' : need.level,
    message: `${user ?? 'the caller'} may not ${missing.join(', ')} ${object} in namespace ${namespace}: ${consequence}`,
    remedy: `add this rule to a Role in namespace ${namespace} that a RoleBinding gives to ${bound}: ${ruleOf(need)}`,
  });
  return findings;
}

import type { Reading } from '../ports/doctor.ts';
import { type Finding, ok, skipped } from './finding.ts';
import { type Need, ruleOf } from './needs.ts';

/** A need with the API server's answers, one for each verb. */
export interface Answered {
  readonly need: Need;
  readonly answers: readonly Reading<boolean>[];
}

/** Whose rights were asked for. */
export interface Subject {
  /** Name of the user; null where the API server does not tell the caller who he is. */
  readonly user: string | null;
  /** False where they are those of the caller, who is no service account: they say nothing of a replica. */
  readonly replica: boolean;
}

/** Which rights are missing, with the rule to add. */
export function judgeRights(answered: readonly Answered[], { user, replica }: Subject): Finding[] {
  const who = user ?? 'the caller';
  const findings = [...judgeUnanswered(answered, who), ...answered.flatMap((each) => judge(each, who))];
  if (findings.length === 0) {
    const purposes = new Set(answered.map(({ need }) => need.purpose));
    findings.push(ok('RIGHTS_OK', `${who} has the rights ${[...purposes].join(', ')}`));
  }
  if (!replica) {
    const message = `the rights are those of ${who}, which is no service account: those of the replicas were not looked at`;
    findings.push(skipped('RIGHTS_OF_CALLER', message, 'name their service account: --service-account NAME'));
  }
  return findings;
}

function judgeUnanswered(answered: readonly Answered[], who: string): Finding[] {
  const failed = answered.flatMap(({ answers }) => answers).find((answer) => !answer.ok);
  if (failed === undefined || failed.ok) return [];
  return [
    skipped(
      'RIGHTS_UNKNOWN',
      `not all rights of ${who} could be asked for: ${failed.failure.message}`,
      'ask with `kubectl auth can-i`, or run the doctor as somebody who may create selfsubjectaccessreviews (for --service-account: subjectaccessreviews)',
    ),
  ];
}

function judge({ need, answers }: Answered, who: string): Finding[] {
  const { code, namespace, resource, name, verbs, helpful, level, consequence } = need;
  const missing = verbs.filter((_, index) => {
    const answer = answers[index];
    return answer?.ok === true && !answer.value;
  });
  if (missing.length === 0) return [];
  const object = name === null ? resource : `${resource} ${JSON.stringify(name)}`;
  return [
    {
      code,
      level: missing.every((verb) => helpful.includes(verb)) ? 'warning' : level,
      message: `${who} may not ${missing.join(', ')} ${object} in namespace ${namespace}: ${consequence}`,
      remedy: `add this rule to a Role in namespace ${namespace} that a RoleBinding there gives to ${who}:`,
      rule: ruleOf(need),
    },
  ];
}

import { PAUSE_OPTIONS, RESUME_OPTIONS, STEP_DOWN_OPTIONS } from '../config/client-options.ts';
import type { StepDownOutcome } from '../leadership/control.ts';
import { clientCommand, type Outcome } from './client.ts';
import type { Command } from './context.ts';
import { HAND_OVER_MS_MAX, QUICK_MS_MAX } from './local-api.ts';

/** `leasegate step-down`: returns when the Lease is free. */
export const stepDown: Command = clientCommand(STEP_DOWN_OPTIONS, async ({ to, immediate }, ask) => {
  const body = { immediate, ...(to !== undefined && { to }) };
  const answer = await ask({ method: 'POST', path: '/step-down', body, timeoutMs: HAND_OVER_MS_MAX });
  return answer.status === 200 ? outcomeOf(answer.body) : answer;
});

/** `leasegate pause`: as step-down, and then it stays out; nothing is wrong where it did not lead. */
export const pause: Command = clientCommand(PAUSE_OPTIONS, async ({ immediate }, ask) => {
  const answer = await ask({ method: 'POST', path: '/pause', body: { immediate }, timeoutMs: HAND_OVER_MS_MAX });
  if (answer.status !== 200) return answer;
  const outcome = outcomeOf(answer.body);
  return { ...outcome, text: `paused\n${outcome.text}` };
});

/** `leasegate resume`. */
export const resume: Command = clientCommand(RESUME_OPTIONS, async (_values, ask) => {
  const answer = await ask({ method: 'POST', path: '/resume', timeoutMs: QUICK_MS_MAX });
  return answer.status === 200 ? { exitCode: 0, value: answer.body, text: 'takes part in the election\n' } : answer;
});

const SENTENCES: Readonly<Record<StepDownOutcome['result'], string>> = {
  released: 'the Lease is free',
  'not-leading': 'it did not lead',
  unreleased: 'work has stopped, but the Lease could not be freed: others take over when it expires',
};

function outcomeOf(value: StepDownOutcome): Outcome {
  const { result, tookMs } = value;
  const text = `${result}: ${SENTENCES[result] ?? 'see the log of the sidecar'} (${tookMs} ms)\n`;
  return { exitCode: result === 'unreleased' ? 1 : 0, value, text };
}

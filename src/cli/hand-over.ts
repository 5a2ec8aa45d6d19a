import { PAUSE_OPTIONS, RESUME_OPTIONS, STEP_DOWN_OPTIONS } from '../config/client-options.ts';
import type { StepDownOutcome } from '../leadership/control.ts';
import { type Ask, clientCommand, type Outcome } from './client.ts';
import type { Command } from './context.ts';
import { type ApiAnswer, HAND_OVER_MS_MAX, type NoAnswer, QUICK_MS_MAX } from './local-api.ts';
import { electionBase, namesOf } from './served-elections.ts';

/** `leasegate step-down`: returns when the Lease is free. */
export const stepDown: Command = clientCommand(STEP_DOWN_OPTIONS, async ({ to, immediate, election }, ask) => {
  const body = { immediate, ...(to !== undefined && { to }) };
  const path = `${electionBase(election)}/step-down`;
  const answer = await ask({ method: 'POST', path, body, timeoutMs: HAND_OVER_MS_MAX });
  return answer.status === 200 ? outcomeOf(answer.body) : answer;
});

/** `leasegate pause`: as step-down, and then it stays out; nothing is wrong where it did not lead. */
export const pause: Command = clientCommand(PAUSE_OPTIONS, ({ immediate, election }, ask) =>
  inEach(election, ask, async (base) => {
    const path = `${base}/pause`;
    const answer = await ask({ method: 'POST', path, body: { immediate }, timeoutMs: HAND_OVER_MS_MAX });
    if (answer.status !== 200) return answer;
    const outcome = outcomeOf(answer.body);
    return { ...outcome, text: `paused\n${outcome.text}` };
  }),
);

/** `leasegate resume`. */
export const resume: Command = clientCommand(RESUME_OPTIONS, ({ election }, ask) =>
  inEach(election, ask, async (base) => {
    const answer = await ask({ method: 'POST', path: `${base}/resume`, timeoutMs: QUICK_MS_MAX });
    return answer.status === 200 ? { exitCode: 0, value: answer.body, text: 'takes part in the election\n' } : answer;
  }),
);

type Result = Outcome | NoAnswer | ApiAnswer;

/** Does the same in one election or, where none was named, in all of them at the same time. */
async function inEach(election: string | undefined, ask: Ask, act: (base: string) => Promise<Result>): Promise<Result> {
  const names = election === undefined ? await namesOf(ask) : null;
  if (names === null) return act(electionBase(election));
  if ('status' in names) return names;
  const results = await Promise.all(names.map((name) => act(electionBase(name))));
  const outcomes: Outcome[] = [];
  for (const result of results) {
    if (!('exitCode' in result)) return result;
    outcomes.push(result);
  }
  const lines = outcomes.map(({ text }, i) => text.replaceAll(/^(?=.)/gm, `${names[i]}: `));
  return {
    exitCode: outcomes.some(({ exitCode }) => exitCode === 1) ? 1 : 0,
    value: { elections: outcomes.map(({ value }) => value) },
    text: lines.join(''),
  };
}

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

import type { Address } from '../config/address.ts';
import type { Options, OptionTable, Values } from '../config/option.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems } from '../config/problem.ts';
import type { Command, CommandContext } from './context.ts';
import { type ApiAnswer, askLocalApi, type NoAnswer, type Question } from './local-api.ts';

interface ClientValues {
  readonly api: Address;
  readonly output: 'text' | 'json';
}

/** What a command says in the end: `value` for machines, `text` for people. */
export interface Outcome {
  readonly exitCode: 0 | 1;
  readonly value: object;
  readonly text: string;
}

export type Ask = (question: Question) => Promise<ApiAnswer | NoAnswer>;

/**
 * A command that speaks to a sidecar's local API. Exit code 0: done. 1: the sidecar refused, or could not do all of it. 2: the
 * options are wrong, or no sidecar answers there.
 */
export function clientCommand<O extends Options>(
  table: OptionTable<O>,
  act: (values: Values<O>, ask: Ask) => Promise<Outcome | NoAnswer | ApiAnswer>,
): Command {
  return async (argv, context) => {
    const parsed = parseOptions(table, { argv, env: context.env });
    if (!parsed.ok) {
      context.stderr(formatProblems(parsed.problems));
      return 2;
    }
    const { api, output } = parsed.values as unknown as ClientValues;
    const result = await act(parsed.values, (question) => askLocalApi(api, question, context));
    if ('exitCode' in result) {
      context.stdout(output === 'json' ? `${JSON.stringify(result.value)}\n` : result.text);
      return result.exitCode;
    }
    return report(result, context);
  };
}

function report(answer: NoAnswer | ApiAnswer, context: CommandContext): number {
  if (answer.status === null) {
    context.stderr(`leasegate: ${answer.code} ${answer.message}\n`);
    return 2;
  }
  const { code, message } = (answer.body.error ?? {}) as { code?: string; message?: string };
  if (code === undefined) {
    context.stderr(
      `leasegate: API_UNEXPECTED status ${answer.status} without an error; is this Leasegate's address (--api)?\n`,
    );
    return 2;
  }
  context.stderr(`leasegate: ${code} ${message}\n`);
  return 1;
}

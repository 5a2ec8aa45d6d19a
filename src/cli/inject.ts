import { readFileSync } from 'node:fs';
import { COMMANDS } from '../config/commands.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems, quote } from '../config/problem.ts';
import { formatReport, type Input, inject, type Outcome, optionsOf, settingsOf, uninject } from '../inject/index.ts';
import type { Command, CommandContext } from './context.ts';

/** `leasegate inject`: manifests in, manifests with the sidecar out. */
export const injectCommand: Command = async (argv, context) => {
  const parsed = parseOptions(COMMANDS.inject, { argv, env: {} });
  if (!parsed.ok) return usage(formatProblems(parsed.problems), context);
  const options = optionsOf(parsed.values);
  const settings = settingsOf(options);
  if (!('env' in settings)) return usage(formatProblems(settings), context);
  return transform(parsed.positionals, context, (inputs) => inject(inputs, options, settings));
};

/** `leasegate uninject`: what `inject` made, back to what it was. */
export const uninjectCommand: Command = async (argv, context) => {
  const parsed = parseOptions(COMMANDS.uninject, { argv, env: {} });
  if (!parsed.ok) return usage(formatProblems(parsed.problems), context);
  return transform(parsed.positionals, context, (inputs) => uninject(inputs, parsed.values.only ?? []));
};

function usage(problems: string, context: CommandContext): 2 {
  context.stderr(problems);
  return 2;
}

/** Nothing is printed where anything was refused: half of a manifest, applied, is worse than none. */
async function transform(
  names: readonly string[],
  context: CommandContext,
  act: (inputs: readonly Input[]) => Outcome,
): Promise<number> {
  const inputs: Input[] = [];
  for (const name of names.length === 0 ? ['-'] : names) {
    const input = await readInput(name, context);
    if (typeof input === 'string') return usage(input, context);
    inputs.push(input);
  }
  const { text, report } = act(inputs);
  context.stderr(formatReport(report));
  if (text === null) return 1;
  const error = await context.stdoutWhole(text);
  // Whoever has read enough, as `head` does, has no need of the rest.
  if (error === null || (error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
  context.stderr(
    `leasegate: OUTPUT_UNWRITABLE stdout: ${error.message}; what was written is not whole: don't use it\n`,
  );
  return 1;
}

const INPUT_BYTES_MAX = 64 * 1024 * 1024;

/** An input, or the line that says why it can't be read. */
async function readInput(name: string, context: CommandContext): Promise<Input | string> {
  const shown = name === '-' ? 'stdin' : name;
  let bytes: Buffer;
  try {
    bytes = name === '-' ? await readStdin(context) : readFileSync(name);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = REASONS[code ?? ''] ?? message;
    return `leasegate: INPUT_UNREADABLE ${quote(shown)}: ${reason}; name a file that you may read, or - for standard input\n`;
  }
  if (bytes.length > INPUT_BYTES_MAX) {
    return `leasegate: INPUT_TOO_LARGE ${quote(shown)}: is larger than ${INPUT_BYTES_MAX} bytes; split it\n`;
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    // UTF-16 without a mark is valid UTF-8, with NULs in it.
    if (!text.includes('\0')) return { name: shown, text };
    throw new TypeError('NUL');
  } catch {
    const remedy = 'save it as UTF-8 (PowerShell: > writes UTF-16, Out-File -Encoding utf8 does not)';
    return `leasegate: INPUT_NOT_UTF8 ${quote(shown)}: is not UTF-8; ${remedy}\n`;
  }
}

async function readStdin(context: CommandContext): Promise<Buffer> {
  if (process.stdin.isTTY) context.stderr('leasegate: reads from the terminal; end with Ctrl-D\n');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > INPUT_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};

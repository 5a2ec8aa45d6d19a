import { parseArgs } from 'node:util';
import { labelOf, type Options, type OptionTable } from './option.ts';
import type { Problem } from './problem.ts';
import { unknownOption } from './unknown.ts';

export interface FlagsRead {
  /** Text by option key; null for a flag without a value, which is among the problems. */
  readonly given: ReadonlyMap<string, string | null>;
  /** Arguments that belong to no flag, where the command takes some. */
  readonly positionals: readonly string[];
  readonly help: boolean;
  readonly problems: readonly Problem[];
}

/** Reads `--flag value` and `--flag=value`, and switches as `--flag`. A value that begins with a dash needs the second form. */
export function readFlags<O extends Options>(table: OptionTable<O>, argv: readonly string[]): FlagsRead {
  const keys = new Map(
    Object.entries(table.options).flatMap(([key, { flag, letter }]) =>
      [flag, letter].filter((name) => name !== undefined).map((name) => [name, key] as const),
    ),
  );
  const given = new Map<string, string | null>();
  const problems: Problem[] = [];
  const positionals: string[] = [];
  const seen = new Set<number>();
  let help = false;

  // Without declared options each flag comes as a token of its own, known or not, and its value as a positional behind it.
  const { tokens } = parseArgs({ args: [...argv], options: {}, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    // A group of short flags (`-abc`) gives several tokens of one index.
    if (token.kind === 'option-terminator' || seen.has(token.index)) continue;
    seen.add(token.index);
    if (token.kind === 'positional') {
      if (table.positionals !== undefined) {
        positionals.push(token.value);
        continue;
      }
      const remedy = `leave it out, or put its flag before it (leasegate ${table.command} --help lists them)`;
      const message = 'belongs to no flag';
      problems.push({ code: 'ARGUMENT_UNEXPECTED', option: 'argument', value: token.value, message, remedy });
      continue;
    }
    if (argv[token.index] === '--help' || argv[token.index] === '-h') {
      help = true;
      continue;
    }
    const key = keys.get(token.name);
    const isSwitch = key !== undefined && table.options[key]!.switch === true;
    const next = tokens.find(({ index }) => index === token.index + 1);
    const separate = token.inlineValue !== true && next?.kind === 'positional' && !isSwitch ? next.value : undefined;
    if (separate !== undefined) seen.add(token.index + 1);
    const value = token.value ?? separate ?? (isSwitch ? 'true' : null);

    if (key === undefined) {
      const written = argv[token.index]!.split('=')[0]!;
      problems.push(unknownOption(table, 'flag', written, value));
      continue;
    }
    const option = labelOf(table.options[key]!);
    const repeatable = key !== undefined && table.options[key]!.repeatable === true;
    if (given.has(key) && !repeatable) {
      problems.push({
        code: 'OPTION_REPEATED',
        option,
        value,
        message: `${token.rawName} is given more than once`,
        remedy: 'give it once',
      });
    } else if (value === null || value === '') {
      given.set(key, null);
      const { placeholder } = table.options[key]!.type;
      const remedy = `write ${token.rawName} ${placeholder === 'BOOLEAN' ? 'true' : placeholder}`;
      problems.push({ code: 'OPTION_INVALID', option, value, message: `${token.rawName} has no value`, remedy });
    } else {
      const before = given.get(key);
      given.set(key, before == null ? value : `${before}\n${value}`);
    }
  }
  return { given, positionals, help, problems };
}

/** Whether the arguments ask for `--help` (or `-h`), whatever else they hold. */
export function wantsHelp<O extends Options>(table: OptionTable<O>, argv: readonly string[]): boolean {
  return readFlags(table, argv).help;
}

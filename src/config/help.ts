import { nameOf, type Option, type Options, type OptionTable } from './option.ts';

const WIDTH_MAX = 100;
const INDENT = '        ';

/** The text of `leasegate <command> --help`. */
export function helpText<O extends Options>(table: OptionTable<O>): string {
  const options = Object.values(table.options);
  const lines = [
    `Usage: leasegate ${table.command} [options]${operandOf(table)}`,
    '',
    ...wrap(table.summary.replaceAll('`', ''), ''),
  ];
  if (table.positionals !== undefined) {
    const { placeholder, meaning } = table.positionals;
    lines.push('', `  ${placeholder}`, ...wrap(meaning.replaceAll('`', ''), INDENT));
  }
  for (const [group, members] of Map.groupBy(options, (option) => option.group)) {
    lines.push('', group, ...members.flatMap((option) => describe(option, table)));
  }
  const precedence = options.some(({ env }) => env !== undefined) ? 'Flags win over environment variables. ' : '';
  lines.push('', `${precedence}-h, --help prints this text.`);
  return `${lines.join('\n')}\n`;
}

function operandOf<O extends Options>({ positionals }: OptionTable<O>): string {
  return positionals === undefined ? '' : ` [${positionals.placeholder}...]`;
}

function describe<O extends Options>(option: Option<unknown>, table: OptionTable<O>): string[] {
  const value = option.switch ? '' : ` ${option.type.placeholder}`;
  const letter = option.letter === undefined ? '' : `-${option.letter}, `;
  const names = [option.flag && `${letter}--${option.flag}${value}`, option.env && `env ${option.env}`];
  const text = [
    option.meaning,
    `Takes: ${option.type.accepts}.`,
    `${defaultOf(option, table)}.`,
    option.danger && `Caution: ${option.danger}`,
  ];
  return [
    `  ${names.filter(Boolean).join(', ')}`,
    ...text.filter((part) => part !== undefined).flatMap((part) => wrap(part.replaceAll('`', ''), INDENT)),
  ];
}

function defaultOf<O extends Options>(option: Option<unknown>, { options }: OptionTable<O>): string {
  if (option.required) return 'Required';
  if (option.requiredUnless !== undefined) return `Required, or ${nameOf(options[option.requiredUnless]!)}`;
  const text = option.default ?? option.defaultText;
  if (option.defaultFrom !== undefined) {
    const { flag, env } = options[option.defaultFrom]!;
    return `Default: that of ${flag === undefined ? env : `--${flag}`}`;
  }
  return text === undefined ? 'Optional' : `Default: ${text}`;
}

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH_MAX) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

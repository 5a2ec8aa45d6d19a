import { type Finding, type Level, worstOf } from './finding.ts';

/** A finding as it is printed; codes of options are beside those of the examination. */
export type Reported = Omit<Finding, 'code'> & { readonly code: string };

/** One line for machines. */
export function jsonOf(version: string, findings: readonly Reported[]): string {
  const shaped = findings.map(({ code, level, message, remedy, rule }) => ({ code, level, message, remedy, rule }));
  return `${JSON.stringify({ version, level: worstOf(findings), findings: shaped })}\n`;
}

const LEVEL_WIDTH = 9;
const INDENT = ' '.repeat(LEVEL_WIDTH);

/** A line for each finding, one below for its remedy, and the rule to copy. */
export function textOf(findings: readonly Reported[]): string {
  const lines = findings.flatMap(({ code, level, message, remedy, rule }) => [
    `${level.padEnd(LEVEL_WIDTH)}${code}  ${oneLine(message)}\n`,
    ...(remedy === null ? [] : [`${INDENT}→ ${oneLine(remedy)}\n`]),
    ...(rule === null ? [] : rule.split('\n').map((line) => `${INDENT}  ${line}\n`)),
  ]);
  const count = (level: Level, word: string) => {
    const number = findings.filter((finding) => finding.level === level).length;
    return `${number === 0 ? 'no' : number} ${word}${number === 1 ? '' : 's'}`;
  };
  return `${lines.join('')}\n${count('error', 'error')}, ${count('warning', 'warning')}\n`;
}

/** Words of servers and networks are anybody's text: no line of theirs passes for one of ours, and none drives a terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

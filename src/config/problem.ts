/**
 * What can be wrong with the options. `OPTION_UNKNOWN`: no such flag or variable. `OPTION_INVALID`: a value that the option
 * does not take. `OPTION_MISSING`: a required option has no value. `OPTION_CONFLICT`: values that are valid alone but not
 * together. `OPTION_REPEATED`: a flag given twice. `ARGUMENT_UNEXPECTED`: an argument that belongs to no flag.
 */
export type ProblemCode =
  | 'OPTION_UNKNOWN'
  | 'OPTION_INVALID'
  | 'OPTION_MISSING'
  | 'OPTION_CONFLICT'
  | 'OPTION_REPEATED'
  | 'ARGUMENT_UNEXPECTED';

/** Why a value is refused, and what to do about it. Both are parts of a sentence: no capital, no full stop. */
export interface Refusal {
  readonly message: string;
  readonly remedy: string;
}

/** One thing that is wrong with the options. */
export interface Problem extends Refusal {
  readonly code: ProblemCode;
  /** `LEASEGATE_LEASE_NAME (--lease-name)`, or the unknown name as it was written. */
  readonly option: string;
  /** As given; null when there is none. */
  readonly value: string | null;
}

const SHOWN_VALUE_LENGTH_MAX = 80;

/** A value as messages show it: quoted and on one line, so that blanks and line ends can be seen; long ones are cut. */
export function quote(value: string): string {
  const cut = value.length > SHOWN_VALUE_LENGTH_MAX ? `${value.slice(0, SHOWN_VALUE_LENGTH_MAX)}…` : value;
  return JSON.stringify(cut);
}

/** An unknown name as it was written, quoted where it would break the line or fill the screen. */
function shown(option: string): string {
  return option.length > SHOWN_VALUE_LENGTH_MAX || /\p{Cc}/u.test(option) ? quote(option) : option;
}

/** The text for stderr: one line per problem, with its code, option, value, message and remedy. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ code, option, value, message, remedy }) => {
      const subject = value === null ? shown(option) : `${shown(option)} ${quote(value)}`;
      return `leasegate: ${code} ${subject}: ${message}; ${remedy}\n`;
    })
    .join('');
}

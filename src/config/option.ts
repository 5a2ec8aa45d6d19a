import type { Refusal } from './problem.ts';
import type { ValueType } from './value-type.ts';

/**
 * One option of a subcommand: the single source of its parsing, checks, `--help` and documentation. It has a flag, an
 * environment variable or both; the flag wins.
 */
export interface Option<T> {
  /** Without its dashes. */
  readonly flag?: string;
  /** One letter for it, without its dash. */
  readonly letter?: string;
  readonly env?: string;
  readonly type: ValueType<T>;
  /** As a user would write it. */
  readonly default?: string;
  /** Key of the option whose value is taken when this one is not given. */
  readonly defaultFrom?: string;
  /** What happens without a value, in words, where it is more than a constant. */
  readonly defaultText?: string;
  readonly required?: true;
  /** Key of the option that may be given instead: without either it is missing. */
  readonly requiredUnless?: string;
  /** The flag alone means `true`, and takes no value from the argument behind it. */
  readonly switch?: true;
  /** It may be given more than once; its type then gets the texts with line ends between them. */
  readonly repeatable?: true;
  /** Heading under which `--help` and the documentation show it. */
  readonly group: string;
  readonly meaning: string;
  /** What goes wrong when it is set carelessly. */
  readonly danger?: string;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** The typed values of a table: always there with a default or when required. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T>
    ? O[K] extends { readonly default: string } | { readonly defaultFrom: string } | { readonly required: true }
      ? T
      : T | undefined
    : never;
};

/** A rule between options that are each valid alone. It is checked only when all of them are. */
export interface Relation<O extends Options> {
  readonly between: readonly (keyof O & string)[];
  /** The rule as the documentation states it; none where another one's says it already. */
  readonly rule?: string;
  /** Null when the values obey. `show` names an option with its value, for messages; `given` says whether a user set it. */
  broken(
    values: Values<O>,
    show: (key: keyof O & string) => string,
    given: (key: keyof O & string) => boolean,
  ): Refusal | null;
}

/** The options of one subcommand. */
export interface OptionTable<O extends Options> {
  /** `run` */
  readonly command: string;
  readonly summary: string;
  /** Environment variables that begin so and are not in the table are refused; without it the others' are left alone. */
  readonly envPrefix?: string;
  /** What arguments without a flag mean; without it they are refused. */
  readonly positionals?: { readonly placeholder: string; readonly meaning: string };
  readonly options: O;
  readonly relations: readonly Relation<O>[];
}

/** Declares a subcommand's options, keeping their types for {@link Values}. */
export function defineOptions<const O extends Options>(table: OptionTable<O>): OptionTable<O> {
  return table;
}

/** How messages name an option: `LEASEGATE_LEASE_NAME (--lease-name)`. */
export function labelOf({ env, flag }: Option<unknown>): string {
  if (env === undefined) return `--${flag}`;
  return flag === undefined ? env : `${env} (--${flag})`;
}

/** The one name of an option by which sentences speak of it. */
export function nameOf({ env, flag }: Option<unknown>): string {
  return env ?? `--${flag}`;
}

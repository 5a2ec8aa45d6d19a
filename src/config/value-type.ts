import type { Refusal } from './problem.ts';

export type Parsed<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Refusal);

/** A kind of value that options take. For each value, `parse(format(value))` gives the value back. */
export interface ValueType<T> {
  /** Placeholder in `--help`: `DURATION`. */
  readonly placeholder: string;
  /** What is accepted, in words; goes into the documentation. */
  readonly accepts: string;
  parse(text: string): Parsed<T>;
  format(value: T): string;
}

export function accepted<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refused(message: string, remedy: string): { readonly ok: false } & Refusal {
  return { ok: false, message, remedy };
}

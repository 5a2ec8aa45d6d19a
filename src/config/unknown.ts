import type { Options, OptionTable } from './option.ts';
import type { Problem } from './problem.ts';
import { nearest } from './suggest.ts';

/** The problem of a flag or variable that the table does not have, with the nearest option that it does have. */
export function unknownOption<O extends Options>(
  table: OptionTable<O>,
  kind: 'flag' | 'env',
  written: string,
  value: string | null,
): Problem {
  const prefix = table.envPrefix ?? '';
  const normal = (name: string) =>
    (name.startsWith(prefix) ? name.slice(prefix.length) : name).replace(/^-+/, '').replaceAll('_', '-').toLowerCase();
  const names = new Map<string, string>();
  for (const { flag, env } of Object.values(table.options)) {
    const flagName = flag === undefined ? undefined : `--${flag}`;
    const shown = kind === 'flag' ? (flagName ?? env) : (env ?? flagName);
    for (const name of [flagName, env]) if (name !== undefined) names.set(normal(name), shown!);
  }
  const near = nearest(normal(written), [...names.keys()]);
  return {
    code: 'OPTION_UNKNOWN',
    option: written,
    value,
    message: `is not an option of "leasegate ${table.command}"`,
    remedy:
      near === undefined
        ? `remove it (leasegate ${table.command} --help lists the options)`
        : `did you mean ${names.get(near)}?`,
  };
}

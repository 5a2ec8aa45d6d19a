import { readFlags } from './flags.ts';
import { labelOf, nameOf, type Options, type OptionTable, type Values } from './option.ts';
import type { Problem } from './problem.ts';
import { isServiceLink } from './service-links.ts';
import { unknownOption } from './unknown.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface OptionSources {
  /** What follows the subcommand. */
  readonly argv: readonly string[];
  readonly env: Env;
}

/** `values` holds what is valid even where there are problems, so that a caller can go on checking. */
export type ParseResult<O extends Options> =
  | { readonly ok: true; readonly values: Values<O>; readonly positionals: readonly string[] }
  | { readonly ok: false; readonly values: Partial<Values<O>>; readonly problems: readonly Problem[] };

/**
 * Reads a subcommand's options. A flag wins over the environment, which wins over the default; a variable that is set to
 * nothing counts as not set. All problems are reported at once.
 */
export function parseOptions<O extends Options>(table: OptionTable<O>, { argv, env }: OptionSources): ParseResult<O> {
  const flags = readFlags(table, argv);
  const problems: Problem[] = [...flags.problems, ...unknownVariables(table, env)];
  const values = new Map<string, unknown>();
  const given = new Set<string>();
  const failed = new Set<string>();

  const isSaid = (key: string): boolean => {
    const { env: name } = table.options[key]!;
    return flags.given.get(key) !== undefined || Boolean(name !== undefined && env[name]);
  };

  for (const [key, option] of Object.entries(table.options)) {
    const flagText = flags.given.get(key);
    const envText = option.env === undefined ? undefined : env[option.env] || undefined;
    const text = flagText ?? envText ?? option.default;
    if (flagText === null) {
      failed.add(key);
    } else if (text !== undefined) {
      if (flagText !== undefined || envText !== undefined) given.add(key);
      const parsed = option.type.parse(text);
      if (parsed.ok) {
        values.set(key, parsed.value);
      } else {
        failed.add(key);
        const { message, remedy } = parsed;
        problems.push({ code: 'OPTION_INVALID', option: labelOf(option), value: text, message, remedy });
      }
    } else if (option.required || (option.requiredUnless !== undefined && !isSaid(option.requiredUnless))) {
      failed.add(key);
      const remedy = [option, table.options[option.requiredUnless ?? '']]
        .flatMap((each) => (each ? [`${nameOf(each)} (${each.type.accepts.replaceAll('`', '')})`] : []))
        .join(', or ');
      problems.push({
        code: 'OPTION_MISSING',
        option: labelOf(option),
        value: null,
        message: 'is required',
        remedy: `set ${remedy}`,
      });
    }
  }
  for (const [key, { defaultFrom }] of Object.entries(table.options)) {
    if (defaultFrom === undefined || values.has(key) || failed.has(key)) continue;
    if (values.has(defaultFrom)) values.set(key, values.get(defaultFrom));
  }
  problems.push(...brokenRelations(table, values, given));

  const typed = Object.fromEntries(values) as Values<O>;
  return problems.length === 0
    ? { ok: true, values: typed, positionals: flags.positionals }
    : { ok: false, values: typed, problems };
}

function unknownVariables<O extends Options>(table: OptionTable<O>, env: Env): Problem[] {
  const { envPrefix } = table;
  if (envPrefix === undefined) return [];
  const known = new Set(Object.values(table.options).map((option) => option.env));
  return Object.entries(env)
    .filter(([name, value]) => name.startsWith(envPrefix) && !known.has(name) && !isServiceLink(name, value ?? ''))
    .map(([name, value]) => unknownOption(table, 'env', name, value ?? null));
}

function brokenRelations<O extends Options>(
  table: OptionTable<O>,
  values: ReadonlyMap<string, unknown>,
  given: ReadonlySet<string>,
): Problem[] {
  const text = (key: string) => table.options[key]!.type.format(values.get(key));
  /** The option that was given and that the value comes from; undefined for a constant default. */
  const originOf = (key: string) => [key, table.options[key]!.defaultFrom ?? key].find((origin) => given.has(origin));
  const show = (key: string) => {
    const { defaultFrom } = table.options[key]!;
    const source = defaultFrom === undefined ? 'its default' : `that of ${nameOf(table.options[defaultFrom]!)}`;
    return `${nameOf(table.options[key]!)} ${text(key)}${given.has(key) ? '' : ` (${source})`}`;
  };
  return table.relations.flatMap((relation) => {
    if (!relation.between.every((key) => values.has(key))) return [];
    const refusal = relation.broken(Object.fromEntries(values) as Values<O>, show, (key) => given.has(key));
    if (refusal === null) return [];
    // What was given is what can be mended; defaults obey among themselves.
    const key = relation.between.map(originOf).find((origin) => origin !== undefined) ?? relation.between[0]!;
    return [{ code: 'OPTION_CONFLICT' as const, option: labelOf(table.options[key]!), value: text(key), ...refusal }];
  });
}

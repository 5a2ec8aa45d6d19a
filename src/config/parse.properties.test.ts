import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Address } from './address.ts';
import { COMMANDS } from './commands.ts';
import { type ConfigSources, type LoadedConfig, loadConfig } from './load.ts';
import { labelOf, type Option, type Options, type OptionTable } from './option.ts';
import { parseOptions } from './parse.ts';
import { formatProblems, type Problem } from './problem.ts';
import { RUN_OPTIONS } from './run-options.ts';

const TABLES = COMMANDS as unknown as Readonly<Record<string, OptionTable<Options>>>;
const OPTIONS: readonly Option<unknown>[] = Object.values(TABLES).flatMap((table) => Object.values(table.options));
const command = fc.constantFrom(...Object.keys(TABLES));

/** What people, programs and attackers write: right, nearly right, and nothing of the kind. */
const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?(\.[a-z0-9]{1,3}){0,2}$/);
const milliseconds = fc.oneof(fc.nat({ max: 20_000 }), fc.nat({ max: 4_000_000 })).map((ms) => `${ms}ms`);
const seconds = fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 4_000 })).map((s) => `${s}s`);
const host = fc.oneof(
  fc.constantFrom(
    '',
    '127.0.0.1',
    '127.255.0.9',
    '128.0.0.1',
    '[::ffff:128.0.0.1]',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
  ),
  fc.ipV4(),
  fc.ipV6().map((text) => `[${text}]`),
  name,
);
const port = fc.oneof(fc.constantFrom(0, 4040, 4041, 65_535, 65_536), fc.nat({ max: 70_000 }));
const address = fc.tuple(host, port).map((parts) => parts.join(':'));
const odd = fc.oneof(
  fc.constantFrom(...['', '-', '--', '=', ' ', '\n', '\0', '\u2028', '__proto__', 'constructor', 'toString', 'null']),
  fc.constantFrom(
    ...['$(NAME)', '１s', '1e3', '0x10', 'NaN', '-1', '1.5s', 'a=b', '=a', '--help', '/a:/b', 'x'.repeat(300)],
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const text = fc.oneof(
  name,
  milliseconds,
  seconds,
  address,
  fc.constantFrom('info', 'failover', '10.0.0.7', '::1'),
  odd,
);

const flagName = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...OPTIONS.flatMap(({ flag }) => (flag === undefined ? [] : [flag]))) },
  fc.constantFrom(
    ...['lease_name', 'lease-nam', 'LEASE-NAME', '__proto__', 'constructor', 'no-lease-name', '-x', '', 'é'],
  ),
);
const argument = fc.oneof(
  flagName.map((flag) => [`--${flag}`]),
  fc.tuple(flagName, text).map(([flag, value]) => [`--${flag}`, value]),
  fc.tuple(flagName, text).map(([flag, value]) => [`--${flag}=${value}`]),
  fc.constantFrom(['--help'], ['-h'], ['-abc'], ['-f=x'], ['--'], ['-'], ['--=x'], ['---']),
  text.map((value) => [value]),
);
const anyArgv = fc.array(argument, { maxLength: 5 }).map((parts) => parts.flat());

const envName = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...OPTIONS.flatMap(({ env }) => (env === undefined ? [] : [env]))) },
  fc.constantFrom('LEASEGATE_', 'LEASEGATE_LEASE_NAM', 'LEASEGATE_SERVICE_HOST', 'LEASEGATE_PORT', 'PATH', '__proto__'),
  fc.constantFrom('LEASEGATE_LEASE_DURATION\n', 'LEASEGATE___proto__', 'leasegate_lease_name', 'LEASEGATE_constructor'),
);
// Not fc.dictionary, so that `__proto__` becomes a variable like any other.
const anyEnv = fc.array(fc.tuple(envName, text), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs));

const LEASE = { LEASEGATE_LEASE_NAME: 'my-app' };
/** Timings that keep the rules between them, or just do not. */
const share = (max: number) => fc.double({ min: 0.02, max, noNaN: true });
const timings = fc
  .tuple(
    fc.integer({ min: 1, max: 3_600 }),
    fc.double({ min: 0.2, max: 1, noNaN: true }),
    share(1),
    fc.option(share(0.6)),
  )
  .map(([leaseSeconds, deadlineShare, retryShare, intervalShare]) => {
    const deadlineMs = Math.round(leaseSeconds * 1_000 * deadlineShare);
    const part = (share: number) => `${Math.round(deadlineMs * share)}ms`;
    return {
      LEASEGATE_LEASE_DURATION: `${leaseSeconds}s`,
      LEASEGATE_RENEW_DEADLINE: `${deadlineMs}ms`,
      LEASEGATE_RETRY_PERIOD: part(retryShare),
      ...(intervalShare !== null && { LEASEGATE_RENEW_INTERVAL: part(intervalShare) }),
    };
  });
const namespace = fc.constantFrom({}, { LEASEGATE_NAMESPACE: 'web' }, { POD_NAMESPACE: 'web' });
const places = fc.record(
  { LEASEGATE_API_LISTEN: address, LEASEGATE_PROBE_LISTEN: address, POD_IP: fc.oneof(fc.ipV4(), fc.ipV6()) },
  { requiredKeys: [] },
);
const plausibleEnv = fc
  .tuple(namespace, fc.option(timings, { nil: {} }), fc.option(places, { nil: {} }))
  .map((parts) => Object.assign({}, LEASE, ...parts) as Record<string, string>);
const env = fc.oneof(
  anyEnv,
  fc.tuple(plausibleEnv, anyEnv).map(([likely, odd]) => ({ ...likely, ...odd })),
  { weight: 2, arbitrary: plausibleEnv },
);
const argv = fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, anyArgv);

const found = fc.option(fc.oneof(name, odd), { nil: undefined });
const surroundings = fc.record({ file: found, hostname: fc.oneof(name, odd), context: found });
type Around = { readonly file: string | undefined; readonly hostname: string; readonly context: string | undefined };
const sourcesOf = (given: Pick<ConfigSources, 'argv' | 'env'>, around: Around) =>
  ({
    ...given,
    readFile: () => around.file,
    hostname: () => around.hostname,
    randomHex: (bytes: number) => 'ab'.repeat(bytes),
    kubeconfigNamespace: () => around.context,
  }) satisfies ConfigSources;

const isLabel = (value: string) => value.length <= 63 && isSubdomain(value) && !value.includes('.');
const isSubdomain = (value: string) =>
  value.length <= 253 &&
  value.split('.').every((part) => {
    const ends = [part.at(0), part.at(-1)];
    return (
      part !== '' &&
      !ends.includes('-') &&
      [...part].every((char) => 'abcdefghijklmnopqrstuvwxyz0123456789-'.includes(char))
    );
  });

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');
const isLoopback = ({ host }: Address) =>
  host === 'localhost' || (isIP(host) !== 0 && LOOPBACK.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));

/** The ranges and rules of docs/configuration.md, said once more. */
function expectWithinRanges({ lease, pod, timings, apiListen, probeListen, logLevel }: LoadedConfig): void {
  const name = 'name' in lease ? lease.name : `${lease.namePrefix}-hash`;
  expect(isSubdomain(name) && isLabel(lease.namespace) && isSubdomain(pod.name)).toBe(true);
  expect(pod.uid).toMatch(/^[A-Za-z0-9.-]{1,128}$/);
  expect(pod.ip === null || isIP(pod.ip) !== 0).toBe(true);
  const { leaseDurationMs, renewDeadlineMs, renewIntervalMs, retryPeriodMs } = timings;
  for (const ms of Object.values(timings)) expect(Number.isSafeInteger(ms) && ms >= 100 && ms <= 3_600_000).toBe(true);
  expect([leaseDurationMs % 1_000, leaseDurationMs >= 1_000, renewDeadlineMs >= 200]).toEqual([0, true, true]);
  const marginMs = leaseDurationMs - renewDeadlineMs;
  expect(marginMs >= 200 && 10n * BigInt(marginMs) >= BigInt(leaseDurationMs)).toBe(true);
  expect(2 * renewIntervalMs).toBeLessThanOrEqual(renewDeadlineMs);
  expect(10 * renewDeadlineMs).toBeGreaterThan(12 * retryPeriodMs);
  expect(isLoopback(apiListen)).toBe(true);
  for (const listen of [apiListen, probeListen]) {
    expect(Number.isInteger(listen.port) && listen.port >= 0 && listen.port <= 65_535).toBe(true);
  }
  if (apiListen.port !== 0 && apiListen.port === probeListen.port) {
    expect(['', '0.0.0.0', '::', apiListen.host]).not.toContain(probeListen.host);
  }
  expect(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).toContain(logLevel);
}

/** That a problem names its option, the value as it was given (or found, or defaulted to), and what to do. */
function expectExplained(problem: Problem, table: OptionTable<Options>, texts: readonly (string | undefined)[]): void {
  const { code, option, value, message, remedy } = problem;
  const labels = Object.values(table.options).map(labelOf);
  switch (code) {
    case 'OPTION_UNKNOWN':
      expect(texts.some((given) => given === option || given?.startsWith(`${option}=`))).toBe(true);
      expect(labels).not.toContain(option);
      break;
    case 'ARGUMENT_UNEXPECTED':
      expect([option, value !== null]).toEqual(['argument', true]);
      break;
    default:
      expect(labels).toContain(option);
  }
  if (code === 'OPTION_INVALID' && value !== null) {
    const defaults = Object.values(table.options).map((known) => known.default);
    const given = [...texts, ...defaults].some(
      (source) => source === value || source?.trim() === value || source?.endsWith(`=${value}`),
    );
    expect(given, `${value} was given`).toBe(true);
  }
  expect([message.length > 0, remedy.length > 0, /\n/.test(message + remedy)]).toEqual([true, true, false]);
}

const PRISTINE = Object.getOwnPropertyNames(Object.prototype);
function expectNoPollution(): void {
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(PRISTINE);
}

describe('whatever the arguments and the environment are', { timeout: 30_000 }, () => {
  test('`run` gets values within all ranges and rules, frozen, or an explanation of every mistake; nothing is thrown', () => {
    fc.assert(
      fc.property(argv, env, surroundings, (argv, env, around) => {
        const result = loadConfig(sourcesOf({ argv, env }, around));
        if (result.ok) {
          expectWithinRanges(result.config);
          expect(Object.values(result.config).every((part) => Object.isFrozen(part))).toBe(true);
        } else {
          expect(result.problems).not.toEqual([]);
          const texts = [...argv, ...Object.entries(env).flat(), around.file, around.context];
          for (const problem of result.problems) expectExplained(problem, RUN_OPTIONS as never, texts);
        }
        expectNoPollution();
      }),
      { numRuns: 1_500 },
    );
  });

  test('each subcommand gets nothing but its own options, or one line for each mistake', () => {
    fc.assert(
      fc.property(command, argv, env, (command, argv, env) => {
        const table = TABLES[command]!;
        const result = parseOptions(table, { argv, env });
        const names = Object.keys(table.options);
        expect(Object.getPrototypeOf(result.values)).toBe(Object.prototype);
        expect(Object.keys(result.values).filter((key) => !names.includes(key))).toEqual([]);
        if (!result.ok) {
          const lines = formatProblems(result.problems).split('\n');
          expect(lines.map((line) => line.slice(0, 11))).toEqual([...result.problems.map(() => 'leasegate: '), '']);
          for (const problem of result.problems)
            expectExplained(problem, table, [...argv, ...Object.entries(env).flat()]);
        }
        expectNoPollution();
      }),
      { numRuns: 1_500 },
    );
  });
});

/** For each option of a table its flag's text and its variable's text, where it has one and where it is given. */
const givenFor = (table: OptionTable<Options>) =>
  fc.record(
    Object.fromEntries(
      Object.entries(table.options).map(([key, { flag, env }]) => [
        key,
        fc.record({
          flag: flag === undefined ? fc.constant(undefined) : fc.option(text, { nil: undefined }),
          env: env === undefined ? fc.constant(undefined) : fc.option(text, { nil: undefined }),
        }),
      ]),
    ),
  );
const given = command.chain((command) =>
  fc.record({ command: fc.constant(command), given: givenFor(TABLES[command]!) }),
);

function envOf(table: OptionTable<Options>, given: Record<string, { env?: string | undefined }>) {
  const pairs = Object.entries(given).flatMap(([key, { env }]) =>
    env === undefined ? [] : [[table.options[key]!.env!, env]],
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}

describe('which source counts', () => {
  test('a flag wins over its variable, that over the default; an empty variable is none; what loses is not even looked at', () => {
    fc.assert(
      fc.property(given, ({ command, given }) => {
        const table = TABLES[command]!;
        const flags = Object.entries(given).flatMap(([key, { flag }]) =>
          flag === undefined ? [] : [`--${table.options[key]!.flag}=${flag}`],
        );
        const result = parseOptions(table, { argv: flags, env: envOf(table, given) });
        const refused = result.ok ? [] : result.problems.filter(({ code }) => code === 'OPTION_INVALID');
        for (const [key, option] of Object.entries(table.options)) {
          const label = labelOf(option);
          const { flag, env } = given[key]!;
          const source = flag ?? (env === '' ? undefined : env) ?? option.default;
          const read = source === undefined || source === '' ? null : option.type.parse(source);
          const expected = read === null ? (flag === '' ? [''] : []) : read.ok ? [] : [source];
          expect(refused.filter((problem) => problem.option === label).map(({ value }) => value)).toEqual(expected);
          const inherited = source === undefined && option.defaultFrom !== undefined;
          const value = inherited ? result.values[option.defaultFrom!] : read?.ok === true ? read.value : undefined;
          expect(result.values[key]).toEqual(value);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('`--name value` means `--name=value`, and the order of the flags means nothing', () => {
    const separable = given.map(({ command, given }) => {
      const table = TABLES[command]!;
      const pairs = Object.entries(given).flatMap(([key, { flag = '' }]): [string, string][] =>
        // A value that begins with a dash needs the second form, and says so; a switch has no other.
        flag === '' || /^-./.test(flag) || table.options[key]!.switch ? [] : [[`--${table.options[key]!.flag}`, flag]],
      );
      return { command, pairs, env: envOf(table, given) };
    });
    const reordered = separable.chain((input) =>
      fc.record({
        ...{ command: fc.constant(input.command), env: fc.constant(input.env), pairs: fc.constant(input.pairs) },
        shuffled: fc.shuffledSubarray(input.pairs, { minLength: input.pairs.length }),
        joined: fc.array(fc.boolean(), { minLength: input.pairs.length, maxLength: input.pairs.length }),
      }),
    );
    fc.assert(
      fc.property(reordered, ({ command, env, pairs, shuffled, joined }) => {
        const table = TABLES[command]!;
        const inOrder = parseOptions(table, { argv: pairs.map((pair) => pair.join('=')), env });
        const mixed = shuffled.flatMap((pair, index) => (joined[index] ? [pair.join('=')] : pair));
        expect(parseOptions(table, { argv: mixed, env })).toEqual(inOrder);
      }),
      { numRuns: 500 },
    );
  });
});

test('every value that an option takes is written in a way that it reads back as the same', () => {
  fc.assert(
    fc.property(fc.constantFrom(...OPTIONS.map(labelOf)), text, (label, given) => {
      const { type } = OPTIONS.find((option) => labelOf(option) === label)!;
      const parsed = type.parse(given);
      if (parsed.ok) expect(type.parse(type.format(parsed.value))).toEqual(parsed);
    }),
    { numRuns: 2_000 },
  );
});

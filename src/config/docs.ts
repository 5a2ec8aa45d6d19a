import { COMMANDS } from './commands.ts';
import { type ConfigSources, loadConfig } from './load.ts';
import { nameOf, type Option, type Options, type OptionTable } from './option.ts';
import { formatProblems } from './problem.ts';
import { RUN_OPTIONS } from './run-options.ts';

/** The whole of docs/configuration.md, from the tables of options. `npm run docs` writes it; a test compares. */
export function configurationPage(): string {
  const { run, ...others } = COMMANDS;
  return `${[
    '<!-- Generated from src/config by `npm run docs`. Edit the tables there, not this page. -->',
    '# Configuration',
    '',
    'Options are environment variables, flags, or both. A flag wins over its variable; a variable that is set to nothing',
    'counts as not set. Write `--flag value` or `--flag=value`, each flag once. Durations are whole numbers with units:',
    '`500ms`, `15s`, `1m30s`, `1h`. Addresses are `host:port`: `127.0.0.1:4040`, `[::1]:4040`, `:4041` (every address).',
    '',
    '`leasegate <command> --help` prints the same.',
    '',
    '## `leasegate run`',
    '',
    run.summary,
    ...optionTables(run),
    '',
    '### Rules between options',
    '',
    ...run.relations.flatMap(({ rule }) => (rule === undefined ? [] : [`- ${rule}`])),
    '',
    'Before the API server is asked anything, all options are checked, and all problems are reported at once.',
    '',
    ...Object.values(others).flatMap((table) => [
      `## \`leasegate ${table.command}\``,
      '',
      table.summary,
      ...operands(table as unknown as OptionTable<Options>),
      ...furtherOptions(table as unknown as OptionTable<Options>),
      '',
    ]),
    ...BAD_INPUT,
  ].join('\n')}\n`;
}

/** Without those that are `run`'s own. */
function furtherOptions(table: OptionTable<Options>): string[] {
  const known = new Set<unknown>(Object.values(RUN_OPTIONS.options));
  const further = Object.entries(table.options).filter(([, option]) => !known.has(option));
  const takesAll = Object.keys(table.options).length - further.length === known.size;
  return [
    ...(takesAll ? ['', 'It takes all options of `leasegate run`, from the same variables, and:'] : []),
    ...optionTables(takesAll ? { ...table, options: Object.fromEntries(further) } : table),
  ];
}

function operands<O extends Options>({ command, positionals }: OptionTable<O>): string[] {
  if (positionals === undefined) return [];
  const { placeholder, meaning } = positionals;
  return [
    '',
    `\`leasegate ${command} [options] [${placeholder}...]\`: ${meaning.charAt(0).toLowerCase()}${meaning.slice(1)} More: [inject.md](inject.md).`,
  ];
}

function optionTables<O extends Options>(table: OptionTable<O>): string[] {
  const groups = Map.groupBy(Object.values(table.options), (option) => option.group);
  return [...groups].flatMap(([group, options]) => [
    '',
    `### ${group}`,
    '',
    '| option | default | takes | meaning |',
    '|---|---|---|---|',
    ...options.map((option) => row(namesOf(option), defaultOf(option, table), option.type.accepts, meaningOf(option))),
  ]);
}

function namesOf({ env, flag, letter }: Option<unknown>): string {
  return [env && code(env), flag && code(`--${flag}`), letter && code(`-${letter}`)].filter(Boolean).join('<br>');
}

function defaultOf<O extends Options>(option: Option<unknown>, { options }: OptionTable<O>): string {
  if (option.required) return 'required';
  if (option.requiredUnless !== undefined) return `required, or ${code(nameOf(options[option.requiredUnless]!))}`;
  if (option.default !== undefined) return code(option.default);
  if (option.defaultFrom !== undefined) return `that of ${code(nameOf(options[option.defaultFrom]!))}`;
  return option.defaultText ?? 'none';
}

function meaningOf({ meaning, danger }: Option<unknown>): string {
  return danger === undefined ? meaning : `${meaning} **Caution:** ${danger}`;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** What stderr gets when `leasegate run` is started with these flags beside valid ones. */
function refusalOf(...argv: readonly string[]): string {
  const result = loadConfig({ ...NOWHERE, argv });
  if (result.ok) throw new Error(`the documentation calls this a bad input: ${argv.join(' ')}`);
  return code(formatProblems(result.problems).trim());
}

/** A machine with neither a pod, nor a service account, nor a kubeconfig. */
const NOWHERE: Omit<ConfigSources, 'argv'> = {
  env: {},
  readFile: () => undefined,
  hostname: () => 'host',
  randomHex: (bytes) => '0'.repeat(bytes * 2),
  kubeconfigNamespace: () => undefined,
};
const NAMED = ['--lease-name=my-app', '--namespace=web'];

const TRIES_ON =
  'it goes on trying, and logs `API_RECOVERED` when it works again. `/readyz` answers 503 only as long as neither the Lease nor ' +
  'its absence has been seen since the start';

const BAD_INPUT = [
  '## When something is wrong',
  '',
  'Problems with options go to stderr, one line each: a code that stays the same between versions, the option, its value,',
  'what is wrong and what to do. Nothing has been started by then. Once the process runs, problems are logged: one line when',
  'a kind of request begins to fail or fails in another way, not one for each attempt.',
  '',
  '| problem | what leasegate prints | what becomes of it |',
  '|---|---|---|',
  row('unknown option', refusalOf(...NAMED, '--lease-duratoin=15s'), 'exit code 2'),
  row('bad duration', refusalOf(...NAMED, '--lease-duration=15'), 'exit code 2'),
  row('no Lease named', refusalOf('--namespace=web'), 'exit code 2'),
  row('missing namespace', refusalOf('--lease-name=my-app'), 'exit code 2'),
  row('deadline ≥ duration', refusalOf(...NAMED, '--renew-deadline=15s'), 'exit code 2'),
  row('a flag given twice', refusalOf(...NAMED, '--renew-deadline=9s', '--renew-deadline=8s'), 'exit code 2'),
  row('stray argument', refusalOf(...NAMED, 'my-app'), 'exit code 2'),
  row(
    'unknown command',
    code('leasegate: COMMAND_UNKNOWN "rnu": there is no such command; see leasegate --help'),
    'exit code 2',
  ),
  row('bad kubeconfig path', refusalOf(...NAMED, '--kubeconfig=/no/such/file'), 'exit code 2'),
  row(
    'unusable kubeconfig',
    code(
      'leasegate: KUBECONFIG_INVALID kubeconfig <path>: <reason>; ' +
        'set KUBECONFIG (or --kubeconfig) to a readable kubeconfig with a current context',
    ),
    'exit code 2',
  ),
  row(
    'pod without a workload',
    code(
      'leasegate: LEASE_NAME_NO_WORKLOAD no workload controls pod web/my-app, so there is none that the Lease could be named after; ' +
        'let a Deployment or another workload make the pod, or name the Lease by LEASEGATE_LEASE_NAME instead',
    ),
    'with `LEASEGATE_LEASE_NAME_PREFIX`: exit code 2. `LEASE_NAME_NO_POD`, where there is no such pod',
  ),
  row(
    'port in use',
    code(
      'leasegate: LISTEN_FAILED LEASEGATE_API_LISTEN (--api-listen): cannot listen on 127.0.0.1:4040: the port is in use. ' +
        'Free it (in a pod: another container has it), or choose another with LEASEGATE_API_LISTEN (--api-listen).',
    ),
    'exit code 1, before any part in the election is taken',
  ),
  row(
    '`lease-server` can’t write its kubeconfig',
    code(
      'leasegate: KUBECONFIG_UNWRITABLE --kubeconfig-out "/no/such/directory/file": cannot be written: ' +
        'the directory does not exist; name a file in a directory that exists and that you may write to',
    ),
    'exit code 1',
  ),
  row(
    'Node older than 22',
    code("leasegate: NODE_TOO_OLD Node 20.19.0 can't run this; use 22.19 or later"),
    'exit code 1; the image brings its own Node',
  ),
  row(
    'unreachable server',
    `a warning in the log, ${code('API_UNREACHABLE')}, with the reason (${code('connect ECONNREFUSED 10.96.0.1:443')}, say)`,
    TRIES_ON,
  ),
  row('403', `a warning in the log, ${code('API_FORBIDDEN')}, with the RBAC rule that is missing`, TRIES_ON),
  '',
  'All that can be logged: [logs.md](logs.md).',
  '',
  `Other variables that begin with \`${RUN_OPTIONS.envPrefix}\` are refused like unknown flags, since a misspelt one would silently leave its`,
  'option at the default. Exempt are those that Kubernetes itself sets for a Service named `leasegate` or `leasegate-…`',
  '(`LEASEGATE_SERVICE_HOST`, `LEASEGATE_PORT_4041_TCP_ADDR` and so on).',
];

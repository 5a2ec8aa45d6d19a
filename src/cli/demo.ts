import { DEMO_OPTIONS } from '../config/commands.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems } from '../config/problem.ts';
import type { Command, CommandContext } from './context.ts';
import { Group, type GroupOptions } from './demo/group.ts';
import { LiveView } from './demo/live.ts';
import { runFailoverScript } from './demo/script.ts';
import { timeOfDay } from './demo/timings.ts';
import type { JournalEntry } from './demo/view.ts';

/** `leasegate demo`: three replicas on an embedded API server, to watch and to break, or driven by a script. */
export const demo: Command = async (argv, context) => {
  const parsed = parseOptions(DEMO_OPTIONS, { argv, env: context.env });
  if (!parsed.ok) {
    context.stderr(formatProblems(parsed.problems));
    return 2;
  }
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
  context.onSignal(() => interrupt());
  // The terminal was closed.
  process.on('SIGHUP', () => interrupt());
  // Whoever read the output is gone: `leasegate demo | head`.
  process.stdout.on('error', () => interrupt());
  if (parsed.values.script !== undefined) return runScript(context, interrupted);
  if (process.stdin.isTTY && process.stdout.isTTY) return watchLive(context, interrupted);
  return watchLines(context, interrupted);
};

/** Runs `use` with a group, of which nothing is left afterwards, however the process ends. */
async function withGroup<T>(options: Omit<GroupOptions, 'script'>, use: (group: Group) => Promise<T>): Promise<T> {
  const group = await Group.start({ ...options, script: process.argv[1] ?? '' });
  const destroy = () => group.destroy();
  process.once('exit', destroy);
  try {
    return await use(group);
  } finally {
    await group.close();
    process.off('exit', destroy);
  }
}

function runScript(context: CommandContext, interrupted: Promise<void>): Promise<number> {
  const givenUp = interrupted.then(() => {
    context.stderr('leasegate: DEMO_INTERRUPTED ended by a signal before the script was done\n');
    return 1;
  });
  return withGroup({}, (group) => Promise.race([runFailoverScript(group, context), givenUp]));
}

async function watchLive({ env, stdout }: CommandContext, interrupted: Promise<void>): Promise<number> {
  const { promise: quitted, resolve: quit } = Promise.withResolvers<void>();
  const io = { input: process.stdin, output: process.stdout };
  let view: LiveView | null = null;
  await withGroup({ onChange: () => view?.changed() }, async (group) => {
    view = new LiveView(group, { env, ...io }, quit);
    view.open();
    await Promise.race([quitted, interrupted]).finally(() => view?.close());
  });
  stdout('The demo has ended. None of its processes and files are left.\n');
  return 0;
}

async function watchLines({ stdout }: CommandContext, interrupted: Promise<void>): Promise<number> {
  const onEntry = ({ atWallMs, text }: JournalEntry) => stdout(`${timeOfDay(atWallMs)} ${text}\n`);
  stdout('Not a terminal: one line per change. Ctrl-C ends.\n');
  await withGroup({ onEntry }, async ({ replicas }) => {
    const processes = replicas.map(({ name, pid }) => `${name} is process ${pid}`).join(', ');
    stdout(`${processes}: send them signals and see\n`);
    await interrupted;
  });
  return 0;
}

import { readFileSync } from 'node:fs';
import { VERSION } from '../version.ts';
import { helpAsked, isCommand, OVERVIEW } from './commands.ts';
import type { Command, CommandContext } from './context.ts';
import { Output } from './output.ts';
import { FLUSH_MS_MAX } from './shutdown.ts';
import { onImpatience, onSignal } from './signals.ts';

/** Loaded when asked for: a sidecar must not pay for the demo. */
const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).run,
  doctor: async () => (await import('./doctor.ts')).doctor,
  status: async () => (await import('./status.ts')).status,
  'step-down': async () => (await import('./hand-over.ts')).stepDown,
  pause: async () => (await import('./hand-over.ts')).pause,
  resume: async () => (await import('./hand-over.ts')).resume,
  leases: async () => (await import('./leases.ts')).leases,
  inject: async () => (await import('./inject.ts')).injectCommand,
  uninject: async () => (await import('./inject.ts')).uninjectCommand,
  'lease-server': async () => (await import('./lease-server.ts')).leaseServer,
  demo: async () => (await import('./demo.ts')).demo,
};

const stdout = new Output(process.stdout);

const context: CommandContext = {
  env: process.env,
  stdout: (text) => stdout.write(text),
  stdoutWhole: (text) => stdout.writeWhole(text),
  stderr: (text) => void process.stderr.write(text),
  readFile: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  onSignal,
  onImpatience,
};

/** @returns the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const [first = '', ...rest] = argv;
  if (first === '--version' || first === 'version') {
    context.stdout(`leasegate ${VERSION}\n`);
    return 0;
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    context.stdout(OVERVIEW);
    return 0;
  }
  // `run` is what a container does when it is told nothing else.
  const named = first !== '' && !first.startsWith('-');
  const command = named ? first : 'run';
  const options = named ? rest : argv;
  const load = LOADERS[command];
  if (!isCommand(command) || load === undefined) {
    context.stderr(
      `leasegate: COMMAND_UNKNOWN ${JSON.stringify(command)}: there is no such command; see leasegate --help\n`,
    );
    return 2;
  }
  const help = helpAsked(command, options);
  if (help !== null) {
    context.stdout(help);
    return 0;
  }
  return (await load())(options, context);
}

// Exits by itself although sockets of others may still be open: the command has said that it is done. Not awaited at the top
// level, which one CommonJS file can't have; what is thrown ends the process with code 1 all the same.
void main(process.argv.slice(2)).then(async (code) => {
  await stdout.flushed(FLUSH_MS_MAX);
  process.exit(code);
});

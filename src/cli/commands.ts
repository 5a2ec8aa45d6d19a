import { COMMANDS } from '../config/commands.ts';
import { wantsHelp } from '../config/flags.ts';
import { helpText } from '../config/help.ts';
import type { Options, OptionTable } from '../config/option.ts';

export type CommandName = keyof typeof COMMANDS;

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** The text of a command's `--help` where its arguments ask for it, else null. */
export function helpAsked(command: CommandName, argv: readonly string[]): string | null {
  return HELP[command](argv);
}

const HELP: Readonly<Record<CommandName, (argv: readonly string[]) => string | null>> = {
  run: helpOf(COMMANDS.run),
  doctor: helpOf(COMMANDS.doctor),
  status: helpOf(COMMANDS.status),
  'step-down': helpOf(COMMANDS['step-down']),
  pause: helpOf(COMMANDS.pause),
  resume: helpOf(COMMANDS.resume),
  leases: helpOf(COMMANDS.leases),
  inject: helpOf(COMMANDS.inject),
  uninject: helpOf(COMMANDS.uninject),
  'lease-server': helpOf(COMMANDS['lease-server']),
  demo: helpOf(COMMANDS.demo),
};

function helpOf<O extends Options>(table: OptionTable<O>): (argv: readonly string[]) => string | null {
  return (argv) => (wantsHelp(table, argv) ? helpText(table) : null);
}

/** The text of `leasegate --help`. */
export const OVERVIEW = `Usage: leasegate [command] [options]

${Object.values(COMMANDS)
  .map(({ command, summary }) => `  ${command.padEnd(14)}${summary.replaceAll('`', '')}`)
  .join('\n')}

Without a command: run. leasegate <command> --help lists a command's options; leasegate --version prints the version.
`;

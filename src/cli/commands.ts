import { COMMANDS } from '../config/commands.ts';
import { helpText } from '../config/help.ts';

export type CommandName = keyof typeof COMMANDS;

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** The text of each command's `--help`. */
export const COMMAND_HELP: Readonly<Record<CommandName, () => string>> = {
  run: () => helpText(COMMANDS.run),
  'lease-server': () => helpText(COMMANDS['lease-server']),
  demo: () => helpText(COMMANDS.demo),
};

/** The text of `leasegate --help`. */
export const OVERVIEW = `Usage: leasegate [command] [options]

${Object.values(COMMANDS)
  .map(({ command, summary }) => `  ${command.padEnd(14)}${summary}`)
  .join('\n')}

Without a command: run. leasegate <command> --help lists a command's options; leasegate --version prints the version.
`;

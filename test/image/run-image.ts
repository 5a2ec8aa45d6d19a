import { randomBytes } from 'node:crypto';
import { IMAGE } from './build-image.ts';
import { execute, launch, type Outcome, output, type RunningProgram } from './shell.ts';

/** For podman as root inside a container or a plain virtual machine, where it may neither raise limits nor ask systemd. */
export const engineConfiguration = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
`;

/** What "restricted" Pod Security demands, and a read-only root without any place to write. */
const RESTRICTED = [
  ...['--read-only', '--read-only-tmpfs=false', '--cap-drop=all', '--security-opt=no-new-privileges'],
  ...['--network=host', '--pull=never', '--rm'],
];

interface RunOptions {
  readonly entrypoint?: string;
}

/** Runs the image until it ends by itself, whatever its exit code. */
export function runImageToItsEnd(argv: readonly string[], { entrypoint }: RunOptions = {}): Outcome {
  return execute('podman', ['run', ...RESTRICTED, ...entrypointOption(entrypoint), IMAGE, ...argv]);
}

/** Runs the image until it ends with exit code 0, and returns what it wrote. */
export function runImage(argv: readonly string[], { entrypoint }: RunOptions = {}): string {
  return output('podman', ['run', ...RESTRICTED, ...entrypointOption(entrypoint), IMAGE, ...argv]);
}

export interface Sidecar extends RunningProgram {
  /** Runs a program in its container, and returns what that wrote. */
  exec(argv: readonly string[]): string;
  /** SIGTERM, as from the kubelet. */
  terminate(): void;
  /** Makes sure that nothing of it is left. */
  kill(): void;
}

/** Starts the image. */
export function startImage(argv: readonly string[], options: readonly string[]): Sidecar {
  const name = `leasegate-image-test-${randomBytes(4).toString('hex')}`;
  return {
    ...launch('podman', ['run', ...RESTRICTED, '--name', name, ...options, IMAGE, ...argv]),
    exec: (argv) => output('podman', ['exec', name, ...argv]),
    terminate: () => void output('podman', ['kill', '--signal', 'TERM', name]),
    kill: () => void execute('podman', ['rm', '--force', '--ignore', name]),
  };
}

function entrypointOption(entrypoint: string | undefined): string[] {
  return entrypoint === undefined ? [] : ['--entrypoint', entrypoint];
}

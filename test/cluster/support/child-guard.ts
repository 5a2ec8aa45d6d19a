import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * A shell that outlives this process by a moment: when the pipe closes, for whatever reason, SIGKILL included, it ends
 * the processes it was told of. `gone` forgets a pid, since the system may give it to a stranger.
 */
const guardScript = `
pids=' '
while read -r verb pid; do
  case $verb in
    add) pids="$pids$pid " ;;
    gone) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
`;

let guard: Writable | undefined;

/** Sees to it that a child process never outlives this one, even if this one is killed. */
export function endWithThisProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  guard ??= startGuard();
  guard.write(`add ${pid}\n`);
  child.once('exit', () => guard?.write(`gone ${pid}\n`));
}

function startGuard(): Writable {
  // Detached: an interrupt typed at the terminal must not end the guard before its charges.
  const shell = spawn('sh', ['-c', guardScript], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  shell.once('exit', () => {
    guard = undefined;
  });
  shell.stdin.on('error', () => {});
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  return shell.stdin;
}

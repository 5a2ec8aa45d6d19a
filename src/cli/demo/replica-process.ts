import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RUN_ARGUMENTS } from './timings.ts';

/** What a pod would give its container. */
export interface PodSpec {
  readonly name: string;
  readonly uid: string;
  readonly kubeconfig: string;
}

/** One line of a replica's log. */
export interface LogLine {
  readonly level: number;
  readonly code: string | undefined;
  readonly msg: string;
}

export interface ProcessHandlers {
  /** Its local API listens. */
  started(url: string): void;
  logged(line: LogLine): void;
  /** It is gone. `lastWords`: what it wrote to stderr. */
  ended(code: number | null, signal: NodeJS.Signals | null, lastWords: string): void;
}

const STDERR_CHARS_MAX = 2_000;

/** Lets a replica end with the demo, even when that was killed: the pipe to its stdin ends then. */
const END_WITH_PARENT = 'data:text/javascript,process.stdin.on("end",()=>process.exit(1)).resume().unref()';

/**
 * Starts `leasegate run` as a process of its own, by the executable and script of this very process. Its environment is that
 * of a pod: nothing of the user's shell reaches it. In a group of its own, so that Ctrl-C reaches only the demo.
 */
export function startReplica(script: string, pod: PodSpec, apiPort: number, handlers: ProcessHandlers): ChildProcess {
  const listen = ['--api-listen', `127.0.0.1:${apiPort}`, '--probe-listen', '127.0.0.1:0'];
  const child = spawn(
    process.execPath,
    ['--import', END_WITH_PARENT, script, 'run', '--kubeconfig', pod.kubeconfig, ...listen, ...RUN_ARGUMENTS],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { PATH: process.env.PATH, POD_NAME: pod.name, POD_UID: pod.uid },
    },
  );
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-STDERR_CHARS_MAX);
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLogLine(text);
    if (line === null) return;
    const url = line.code === 'STARTED' ? line.listen?.local : undefined;
    if (url !== undefined) handlers.started(`http://${url}`);
    handlers.logged(line);
  });
  child.stdin.on('error', () => {});
  child.on('error', (error) => {
    lastWords = error.message;
    if (child.pid === undefined) handlers.ended(null, null, lastWords);
  });
  child.on('exit', (code, signal) => handlers.ended(code, signal, lastWords.trim()));
  return child;
}

function parseLogLine(text: string): (LogLine & { readonly listen?: { readonly local?: string } }) | null {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null && 'level' in line ? (line as LogLine) : null;
  } catch {
    return null;
  }
}

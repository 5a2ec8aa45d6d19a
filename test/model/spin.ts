import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROPERTIES, type Variant } from './variants.ts';

export interface Result {
  readonly variant: Variant;
  /** Whether it came out as it must. */
  readonly asExpected: boolean;
  readonly verdict: string;
  /** Distinct states; all of them where none is in error, else those that were seen until then. */
  readonly states: number;
  /** Steps of the shortest way to the furthest state, or to the error. */
  readonly depth: number;
  /** All of it: generating, compiling, searching. */
  readonly seconds: number;
  /** The shortest way to the error, a line per step. */
  readonly trace: readonly string[];
}

interface Output {
  readonly status: number | null;
  readonly text: string;
}

const MODEL = join(import.meta.dirname, 'lease.pml');
const MINUTES_MAX = 30;

const running = new Set<ChildProcess>();

/** Ends what is under way; for a process that is told to end itself. */
export function abandon(): void {
  for (const child of running) child.kill('SIGKILL');
}

function run(command: string, args: readonly string[], cwd: string): Promise<Output> {
  const { promise, resolve, reject } = Promise.withResolvers<Output>();
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: MINUTES_MAX * 60_000 });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('error', (error) => {
    running.delete(child);
    reject(error);
  });
  child.on('close', (status) => {
    running.delete(child);
    resolve({ status, text: Buffer.concat(chunks).toString() });
  });
  return promise;
}

async function mustRun(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { status, text } = await run(command, args, cwd);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${text}`);
  return text;
}

function definitions({ macros, breaks }: Variant): string[] {
  const only = breaks === null ? [] : [`ONLY=${PROPERTIES[breaks][0]}`];
  return [...macros, ...only].map((macro) => `-D${macro.includes('=') ? macro : `${macro}=1`}`);
}

/**
 * Explores one variant breadth first, so that a way to an error is a shortest one.
 *
 * @throws when Spin or the compiler can't do with it.
 */
export async function check(variant: Variant, scratch: string, memoryMiB: number): Promise<Result> {
  const start = performance.now();
  const folder = join(scratch, variant.name);
  mkdirSync(folder);
  // Spin names its files after the model, beside where it runs.
  await mustRun('spin', [...definitions(variant), '-a', MODEL], folder);
  // All of a world is explored, which pays for optimising it; in the others the error is near.
  const optimise = variant.kind === 'world' ? '-O2' : '-O0';
  const limits = ['-DSAFETY', '-DBFS', '-DNOREDUCE', `-DMEMLIM=${memoryMiB}`];
  await mustRun('gcc', ['-w', optimise, ...limits, '-o', 'pan', 'pan.c'], folder);
  const search = await run(join(folder, 'pan'), [], folder);
  const number = (pattern: RegExp) => Number(pattern.exec(search.text)?.[1] ?? Number.NaN);
  const errors = number(/errors: (\d+)/);
  const replay = errors > 0 ? await run(join(folder, 'pan'), ['-r', 'lease.pml.trail'], folder) : null;
  return {
    variant,
    ...judge(variant, search, errors, replay?.text ?? ''),
    states: number(/^\s*([\d.e+]+) states, stored/m),
    depth: number(/depth reached (\d+)/),
    seconds: (performance.now() - start) / 1000,
  };
}

function judge(
  variant: Variant,
  search: Output,
  errors: number,
  replay: string,
): Pick<Result, 'asExpected' | 'verdict' | 'trace'> {
  const lines = replay.split('\n');
  const end = lines.findIndex((line) => /^(BROKEN|HAPPENS) \d+$/.test(line));
  // The rest are Spin's own remarks on where it stands.
  const trace = lines.slice(0, Math.max(0, end)).filter((line) => !/^\s*\d+:\s/.test(line));
  const [said, code] = end < 0 ? [null, null] : (lines[end] ?? '').split(' ');
  if (errors === 0 && search.status === 0 && !/search not completed|max search depth/i.test(search.text)) {
    return { asExpected: variant.kind === 'world', verdict: variant.kind === 'witness' ? 'never' : 'holds', trace };
  }
  if (said === 'BROKEN') {
    const broken = Object.values(PROPERTIES).find(([number]) => number === Number(code))?.[1];
    return { asExpected: variant.breaks !== null, verdict: `broken: ${broken}`, trace };
  }
  if (said === 'HAPPENS') return { asExpected: variant.kind === 'witness', verdict: 'happens', trace };
  return { asExpected: false, verdict: `not explored: ${search.text.trim().split('\n').slice(0, 3).join(' ')}`, trace };
}

/** Which of the tools can't be found. */
export async function missingTools(): Promise<string[]> {
  const tools = ['spin', 'gcc'];
  const found = await Promise.all(
    tools.map((tool) =>
      run(tool, [tool === 'spin' ? '-V' : '--version'], '.').then(
        () => true,
        () => false,
      ),
    ),
  );
  return tools.filter((_, index) => !found[index]);
}

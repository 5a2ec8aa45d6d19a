import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ensureTools } from '../cluster/tools/build.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './faults/index.ts';
import { problemsOf, table } from './report.ts';
import { type Result, runSuite } from './suite.ts';

const USAGE = `usage: npm run test:faults -- [options]

Three replicas as real processes, on a real API server and etcd; each fault strikes them several times. A history of every
question to /leader is recorded and checked: no two leaders at once, tokens only grow, somebody leads again in time.

  --only TEXT       faults whose name contains it; may be repeated
  --trials N        of each fault (default 3)
  --at-once N       scenes at the same time, where faults stay within their scene (default 2)
  --allow-missing   faults that this machine can't play do not fail the suite
  --program FILE    a built leasegate.js to strike, instead of this tree's
  --output FORMAT   text (default), or docs-table: nothing but the table on stdout
  --list            names the faults, and ends

Exit code: 0 when everything held, 1 when not, 2 for wrong arguments. Histories of failures: .artifacts/faults/*.jsonl`;

const root = resolve(import.meta.dirname, '../..');
const artifacts = join(root, '.artifacts', 'faults');

interface Options {
  readonly faults: readonly Fault[];
  readonly trials: number;
  readonly atOnce: number;
  readonly allowMissing: boolean;
  readonly tableOnly: boolean;
  /** Path of a leasegate.js; null: build this tree's. */
  readonly program: string | null;
}

async function main(args: string[]): Promise<number> {
  const options = read(args);
  if (typeof options === 'string') {
    console.error(`${options}\n\n${USAGE}`);
    return 2;
  }
  if (args.includes('--list')) {
    for (const { name } of options.faults) console.log(name);
    return 0;
  }
  await ensureTools(['etcd', 'kube-apiserver']);
  const startedMs = performance.now();
  const build = await mkdtemp(join(tmpdir(), 'leasegate-faults-'));
  try {
    const results = await runSuite(options.faults, {
      leasegate: [process.execPath, options.program ?? (await buildLeasegate(build))],
      trials: options.trials,
      scenesAtOnce: options.atOnce,
      onResult: (result) => tell(result, options),
    });
    const failed = results.filter((result) => fails(result, options));
    console.log(table(results));
    if (!options.tableOnly) {
      const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
      console.log(`\n${results.length - failed.length} of ${results.length} faults as promised, in ${minutes} minutes`);
    }
    return failed.length === 0 ? 0 : 1;
  } finally {
    await rm(build, { recursive: true, force: true });
  }
}

function read(args: string[]): Options | string {
  const parsed = parse(args);
  if (typeof parsed === 'string') return parsed;
  const { only = [], trials, 'at-once': atOnce, output } = parsed;
  const faults = FAULTS.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)));
  if (faults.length === 0) return `no fault's name contains ${only.join(' or ')}; --list names them`;
  if (!/^[1-9]\d{0,3}$/.test(trials)) return `--trials ${trials}: a number from 1 to 9999 is expected`;
  if (!/^[1-9]\d?$/.test(atOnce)) return `--at-once ${atOnce}: a number from 1 to 99 is expected`;
  if (output !== 'text' && output !== 'docs-table') return `--output ${output}: text or docs-table is expected`;
  return {
    faults,
    trials: Number(trials),
    atOnce: Number(atOnce),
    allowMissing: parsed['allow-missing'],
    tableOnly: output === 'docs-table',
    program: parsed.program === undefined ? null : resolve(parsed.program),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: 'string', multiple: true },
        trials: { type: 'string', default: '3' },
        'at-once': { type: 'string', default: '2' },
        'allow-missing': { type: 'boolean', default: false },
        output: { type: 'string', default: 'text' },
        program: { type: 'string' },
        list: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is shipped, in a folder of its own: another build meanwhile does not disturb replicas that are restarted. */
async function buildLeasegate(outdir: string): Promise<string> {
  await promisify(execFile)(process.execPath, ['scripts/build.ts', '--outdir', outdir], { cwd: root });
  return join(outdir, 'leasegate.js');
}

function fails(result: Result, { allowMissing }: Options): boolean {
  return 'missing' in result ? !allowMissing : problemsOf(result).length > 0;
}

async function tell(result: Result, options: Options): Promise<void> {
  const took = 'missing' in result ? '' : ` (${(result.tookMs / 1_000).toFixed(0)} s)`;
  console.error(`${fails(result, options) ? 'FAIL' : 'ok  '} ${result.fault.name}${took}`);
  for (const problem of problemsOf(result)) console.error(`     ${problem}`);
  if ('missing' in result || problemsOf(result).length === 0) return;
  console.error(`     its history: ${relative(process.cwd(), await keep(result.fault, result.history))}`);
}

async function keep({ name }: Fault, history: readonly object[]): Promise<string> {
  await mkdir(artifacts, { recursive: true });
  const file = join(artifacts, `${name.replaceAll(/[^a-zA-Z0-9]+/g, '-').replaceAll(/^-|-$/g, '')}.jsonl`);
  await writeFile(file, history.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return file;
}

process.exitCode = await main(process.argv.slice(2));

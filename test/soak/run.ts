/**
 * `npm run soak -- --minutes N`: many replicas as processes of the built bundle on one Lease, under random faults for so
 * long. Memory and descriptors of those that are never restarted must stay flat, and nobody may ever lead beside another.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../sim/random.ts';
import type { ApiServer } from './api-server.ts';
import { ControlPlaneServer } from './control-plane-server.ts';
import { EmbeddedServer } from './embedded-server.ts';
import { groupGrowth, growthOf } from './growth.ts';
import { type Sighting, soak } from './soak.ts';
import { summary } from './summary.ts';
import { RULE, verdict } from './verdict.ts';
import type { Course } from './watcher.ts';

const CORE_SHARE = 0.4;
const WARM_UP_SHARE = 0.2;
const MINUTES_MIN = 1;
const REPLICAS_MIN = 4;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    replicas: { type: 'string', default: '50' },
    /** So many keep their process for the whole run. Default: 40 % of the replicas. */
    core: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    /** A real kube-apiserver and etcd instead of the embedded Lease server. */
    'control-plane': { type: 'boolean', default: false },
  },
});
const minutes = number('minutes', values.minutes, MINUTES_MIN, Number.POSITIVE_INFINITY);
const replicas = number('replicas', values.replicas, REPLICAS_MIN, 1_000);
const core = number('core', values.core ?? String(Math.ceil(replicas * CORE_SHARE)), 2, replicas);
const seed = number('seed', values.seed, 0, 2 ** 32 - 1);

const root = resolve(import.meta.dirname, '../..');
const startedAt = new Date();
const scratch = await mkdtemp(join(tmpdir(), 'leasegate-soak-'));
let apiServer: ApiServer | undefined;
try {
  apiServer = await (values['control-plane'] ? ControlPlaneServer : EmbeddedServer).start(scratch);
  const about = `${minutes} min, ${replicas} replicas, of which ${core} are never restarted, on ${apiServer.name}`;
  console.log(`soak: ${about}; --seed ${seed}`);
  // A copy: whoever builds meanwhile must not change what is measured.
  await cp(join(root, 'dist'), join(scratch, 'program'), { recursive: true });
  const totalMs = minutes * 60_000;
  const sighting = await soak({
    ...{ seed, replicas, core, totalMs, apiServer, directory: scratch },
    warmUpMs: totalMs * WARM_UP_SHARE,
    command: [process.execPath, join(scratch, 'program/leasegate.js')],
    progress: (line) => console.log(line),
  });
  process.exitCode = (await report(sighting)) ? 0 : 1;
} finally {
  await apiServer?.close();
  await rm(scratch, { recursive: true, force: true });
}
// Sockets to processes that were killed may still wait.
process.exit();

/** Prints the summary and writes the whole; true when the run passes. */
async function report(sighting: Sighting): Promise<boolean> {
  const sinceMinutes = minutes * WARM_UP_SHARE;
  const random = new SeededRandom(seed);
  const group = (courses: readonly Course[], quantity: Exclude<keyof Course, 'name' | 'collected'>) =>
    groupGrowth(
      courses.map((course) => growthOf(course.name, course[quantity], sinceMinutes)),
      random,
    );
  const collected = sighting.core.filter((course) => course.collected);
  const leftAlone = sighting.core.filter((course) => !course.collected);
  const atEnd = (courses: readonly Course[]) =>
    courses.flatMap(({ heldObjectsKiB }) => heldObjectsKiB.at(-1)?.value ?? []);
  const figures = {
    heldKiB: group(collected, 'heldAnonymousKiB'),
    objectsKiB: group(collected, 'heldObjectsKiB'),
    codeKiB: group(collected, 'heldCodeKiB'),
    leftAloneKiB: group(leftAlone, 'anonymousKiB'),
    descriptors: group(sighting.core, 'descriptors'),
    threads: group(sighting.core, 'threads'),
    serverKiB: growthOf('lease server', sighting.server.anonymousKiB, sinceMinutes),
    serverDescriptors: growthOf('lease server', sighting.server.descriptors, sinceMinutes),
    objectsAtEndKiB: { collected: atEnd(collected), leftAlone: atEnd(leftAlone) },
  };
  const reasons = verdict({ ...figures, ...sighting });
  console.log(`${summary({ ...figures, sighting, reasons })}\n\n${RULE}`);

  const folder = join(root, '.artifacts/soak');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}.json`);
  const machine = { node: process.versions.node, cores: cpus().length, loadAtEnd: loadavg()[0] };
  const run = { startedAt, seed, minutes, replicas, core, on: apiServer?.name, machine };
  await writeFile(file, JSON.stringify({ run, passed: reasons.length === 0, reasons, figures, sighting }, rounding, 1));
  console.log(`\nall readings: ${relative(root, file)}`);
  return reasons.length === 0;
}

function rounding(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value;
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (value >= min && value <= max) return value;
  console.error(`soak: --${name} ${text}: takes a number from ${min} to ${max}`);
  process.exit(2);
}

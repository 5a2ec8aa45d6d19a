/**
 * `npm run soak -- --minutes N`: many replicas as processes of the built bundle on one Lease, under random faults for so
 * long. Memory and descriptors of those that are never restarted must not grow, and nobody may ever lead beside another.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EmbeddedServer } from './embedded-server.ts';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    replicas: { type: 'string', default: '50' },
    core: { type: 'string' },
    seed: { type: 'string' },
    'control-plane': { type: 'boolean', default: false },
  },
});
const root = resolve(import.meta.dirname, '../..');
const scratch = await mkdtemp(join(tmpdir(), 'leasegate-soak-'));
const totalMs = Number(values.minutes) * 60_000;
const replicas = Number(values.replicas);
const core = Number(values.core ?? Math.ceil(replicas * 0.4));
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.log(`soak: ${values.minutes} min, ${replicas} replicas, ${core} of them never restarted, seed ${seed}`);
await cp(join(root, 'dist'), join(scratch, 'program'), { recursive: true });
const apiServer = await EmbeddedServer.start(scratch);
const options = {
  seed,
  replicas,
  core,
  totalMs,
  warmUpMs: totalMs * 0.2,
  command: [process.execPath, join(scratch, 'program/leasegate.js')],
};
const sighting = await soak({ ...options, apiServer, progress: console.log });
await apiServer.close();
await mkdir(join(root, '.artifacts/soak'), { recursive: true });
await writeFile(join(root, '.artifacts/soak/draft.json'), JSON.stringify(sighting, null, 1));
await rm(scratch, { recursive: true });
const { core: c, server, strikes, ...rest } = sighting;
console.log(JSON.stringify(rest, null, 1));
process.exit(0);

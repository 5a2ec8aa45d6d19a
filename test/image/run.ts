/**
 * `npm run test:image`: builds the Dockerfile for real, and runs what comes out as a cluster would. No image registry is
 * needed: the bases are stand-ins. Needs Linux, root, and Debian's tools; says so where they are missing.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage, IMAGE } from './build-image.ts';
import { electAndRelease } from './elect-and-release.ts';
import { requireTools } from './require-tools.ts';
import { engineConfiguration, runImage, runImageToItsEnd } from './run-image.ts';
import { output } from './shell.ts';
import { defaultBases, standIns } from './stand-ins.ts';

const PROGRAM = 'LICENSE THIRD-PARTY-NOTICES.txt lazy leasegate.js main.cache main.js package.json signals.js'.split(
  ' ',
);
/** Where the build stage works, and what this script mounts into it. */
const LEFTOVERS = ['/build', '/root/.npmrc', '/run/host-ca.crt'];

requireTools(['buildah', 'mmdebstrap', 'podman', 'runc']);
const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'leasegate-image-'));
try {
  process.env.CONTAINERS_CONF = join(scratch, 'containers.conf');
  writeFileSync(process.env.CONTAINERS_CONF, engineConfiguration);
  const bases = defaultBases(join(root, 'Dockerfile'));

  await claim('the Dockerfile takes the Node that package.json pins, and that runs here', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.equal(bases.nodeVersion, devDependencies.node);
    assert.equal(process.versions.node, devDependencies.node);
  });
  await claim('the Dockerfile builds', () => buildImage(root, standIns(bases, scratch), scratch));
  await claim('it runs as a numeric user that is not root, and without a shell', () => {
    assert.match(inspect('{{.Config.User}}'), /^[1-9]\d*:[1-9]\d*$/);
    assert.equal(evaluate('process.getuid()'), 65532);
    assert.equal(runImageToItsEnd(['-c', 'true'], { entrypoint: '/bin/sh' }).status, 127);
  });
  await claim('it holds the program, and nothing of how it was built', () => {
    assert.deepEqual(evaluate('fs.readdirSync("/opt/leasegate").sort()'), PROGRAM);
    assert.deepEqual(evaluate(`${JSON.stringify(LEFTOVERS)}.filter((path) => fs.existsSync(path))`), []);
  });
  await claim('its code cache fits its Node', () => {
    const read = (name: string, encoding = '') => `fs.readFileSync("/opt/leasegate/${name}", "${encoding}")`;
    const script = `new vm.Script(${read('main.js', 'latin1')}, { cachedData: ${read('main.cache')} })`;
    assert.equal(evaluate(`${script}.cachedDataRejected`), false);
  });
  await claim('an unknown option ends it with exit code 2 and the nearest name', () => {
    const { status, stderr } = runImageToItsEnd(['run', '--lease-nam', 'web']);
    assert.equal(status, 2);
    assert.match(stderr, /OPTION_UNKNOWN.*--lease-name/);
  });
  await claim('on a read-only root and without capabilities it leads, and frees the Lease on SIGTERM', () =>
    electAndRelease(scratch),
  );
  console.log(`all claims hold for ${IMAGE}, ${Math.round(Number(inspect('{{.Size}}')) / 1e6)} MB`);
} finally {
  rmSync(scratch, { recursive: true });
}

function inspect(template: string): string {
  return output('podman', ['inspect', '--format', template, IMAGE]);
}

/** The value of an expression in the image's Node. */
function evaluate(expression: string): unknown {
  return JSON.parse(runImage(['--print', `JSON.stringify(${expression})`], { entrypoint: '/usr/local/bin/node' }));
}

async function claim(text: string, check: () => void | Promise<void>): Promise<void> {
  const startMs = performance.now();
  try {
    await check();
  } catch (error) {
    console.log(`not ok: ${text}`);
    throw error;
  }
  console.log(`ok: ${text} (${Math.round(performance.now() - startMs)} ms)`);
}

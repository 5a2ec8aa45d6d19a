import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject as provided, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { CASES, GOLDEN } from '../../../src/inject/cases.fixture.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

const execute = promisify(execFile);
/** Those that inject changes; what it leaves alone is not its to prove. */
const cases = CASES.filter(({ name }) => !name.startsWith('refused-') && name !== 'crds-untouched');
/** kubectl applies nothing without a name. */
const named = cases.filter(({ name }) => name !== 'pod-generate-name');
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };

let controlPlane: ControlPlane;
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'leasegate-inject-'));
  controlPlane = await startControlPlane();
  const texts = await Promise.all(
    cases.map(async ({ name }) => (await golden(name)).matchAll(/namespace"?: "?([a-z-]+)/g)),
  );
  const namespaces = new Set(texts.flatMap((matches) => [...matches].map(([, name]) => name!)));
  for (const name of [...namespaces, ...cases.map(namespaceOf)]) await makeNamespace(name);
  await makeNamespace('restricted', restricted);
});
afterAll(async () => {
  await controlPlane?.close();
  await rm(scratch, { recursive: true, force: true });
});

const golden = (name: string) => readFile(join(GOLDEN, `${name}.out.yaml`), 'utf8');
const namespaceOf = ({ name }: { readonly name: string }) => `case-${name}`;

async function makeNamespace(name: string, labels: Record<string, string> = {}): Promise<void> {
  await controlPlane.admin.post('/api/v1/namespaces', { metadata: { name, labels } });
}

/** kubectl takes --namespace only where no manifest says another. */
async function apply(path: string, namespace: string, ...args: string[]): Promise<string> {
  const own = /namespace"?: "?[a-z]/.test((await readFile(path, 'utf8')).replaceAll('metadata.namespace', ''));
  return controlPlane.kubectl(
    ...(own ? [] : ['--namespace', namespace]),
    'apply',
    '--validate=strict',
    ...args,
    '-f',
    path,
  );
}

describe('what inject makes of', () => {
  test.each(named.map((each) => [each.name, each] as const))(
    '%s passes a dry run on the API server, and can be applied, twice',
    async (name, each) => {
      const path = join(GOLDEN, `${name}.out.yaml`);
      await apply(path, namespaceOf(each), '--dry-run=server');
      const applied = await apply(path, namespaceOf(each), '--output=name');
      for (const kind of each.args.includes('--no-rbac') ? [] : ['role', 'rolebinding', 'lease']) {
        expect(applied).toMatch(new RegExp(`^${kind}\\..*/`, 'm'));
      }
      const ours = /^(serviceaccount|role|rolebinding|lease)\S*\/\S+ (?!unchanged)/m;
      expect(
        (await apply(path, namespaceOf(each))).replaceAll(/^serviceaccount\/(?!.*-leasegate).*$/gm, ''),
      ).not.toMatch(ours);
    },
  );

  test.each(cases.map(({ name }) => name))('%s has a sidecar that "restricted" Pod Security admits', async (name) => {
    const specs = podSpecsOf(await golden(name)).filter((spec) => spec.initContainers?.some(isSidecar));
    expect(specs).not.toEqual([]);
    for (const spec of specs) {
      const answer = await admit(complying(spec));
      expect(answer, JSON.stringify(answer.body?.message)).toMatchObject({ status: 201 });
    }
  });
});

test('what is injected is no change when it is applied again', async () => {
  await makeNamespace('again');
  const path = join(GOLDEN, 'deployment.out.yaml');
  await apply(path, 'again');
  expect(await apply(path, 'again')).not.toMatch(/ (?!unchanged)\S+$/m);
});

test.each([[[]], [['--server-side']]])('what uninject restores is what is there when it is applied %j', async (how) => {
  const namespace = `restored${how.length}`;
  await makeNamespace(namespace);
  const of = (which: string) => join(GOLDEN, `deployment.${which}.yaml`);
  const run = (...args: string[]) => controlPlane.kubectl('--namespace', namespace, ...args);
  const template = async () => {
    const { spec } = JSON.parse(await run('get', 'deployment/web', '--output=json'));
    return spec.template;
  };
  await run('apply', ...how, '--filename', of('in'));
  const before = await template();
  await run('apply', ...how, '--filename', of('out'));
  expect((await template()).spec.serviceAccountName).toBe('web-leasegate');
  await run('apply', ...how, '--filename', of('in'));
  expect(await template()).toEqual(before);
});

test('a Deployment whose own containers comply is admitted in a restricted namespace as it is', async () => {
  const [spec] = podSpecsOf(await golden('deployment'));
  expect(await admit(spec!)).toMatchObject({ status: 201 });
  const { initContainers, ...careless } = spec!;
  const [{ securityContext: _, ...sidecar }] = initContainers!;
  expect(await admit({ ...careless, initContainers: [sidecar] })).toMatchObject({ status: 403 });
});

test('the shipped program does it: kubectl create --dry-run | leasegate inject | kubectl apply', async () => {
  const [command, ...args] = provided('leasegate');
  await makeNamespace('piped');
  const create = ['create', 'deployment', 'piped', '--image=nginx', '--replicas=3', '--dry-run=client'];
  for (const format of ['json', 'yaml']) {
    const created = join(scratch, `created.${format}`);
    await writeFile(created, await controlPlane.kubectl(...create, `--output=${format}`));
    const { stdout } = await execute(command!, [...args, 'inject', created]);
    const injected = join(scratch, `injected.${format}`);
    await writeFile(injected, stdout);
    await apply(injected, 'piped');
    await writeFile(injected, (await execute(command!, [...args, 'uninject', injected])).stdout);
    expect(await readFile(injected, 'utf8')).toBe(await readFile(created, 'utf8'));
  }
  const { body } = await controlPlane.admin.get('/apis/apps/v1/namespaces/piped/deployments/piped');
  expect(body.spec.template.spec.initContainers).toMatchObject([{ name: 'leasegate', restartPolicy: 'Always' }]);
});

// biome-ignore lint/suspicious/noExplicitAny: pods of any kind
type PodSpec = Record<string, any>;

function podSpecsOf(text: string): PodSpec[] {
  const objects = parseAllDocuments(text, { merge: true }).flatMap((document) => {
    const value = document.toJS();
    return value?.items ?? [value];
  });
  return objects.flatMap((object) => {
    const spec = object?.spec?.jobTemplate?.spec ?? object?.spec;
    const podSpec = object?.kind === 'Pod' ? spec : spec?.template?.spec;
    return podSpec?.containers ? [podSpec] : [];
  });
}

function isSidecar({ name }: { readonly name: string }): boolean {
  return name === 'leasegate';
}

/** The pod with all else as Pod Security wants it, so that only the sidecar is judged. */
function complying({ hostNetwork: _, ...spec }: PodSpec): PodSpec {
  const securityContext = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const comply = ({ ports: _ports, volumeMounts: _mounts, ...container }: PodSpec) => ({
    ...container,
    securityContext,
  });
  const volumes = spec.volumes.map(({ hostPath, ...volume }: PodSpec) =>
    hostPath ? { ...volume, emptyDir: {} } : volume,
  );
  const others = (containers: PodSpec[] = []) =>
    containers.map((each) => (each.name === 'leasegate' ? each : comply(each)));
  // What the API server's admission of service accounts does; it is switched off in this control plane.
  return {
    serviceAccountName: 'default',
    ...spec,
    volumes,
    initContainers: others(spec.initContainers),
    containers: others(spec.containers),
  };
}

function admit(spec: PodSpec): Promise<{ status: number; body?: { message?: string } }> {
  return controlPlane.admin.post('/api/v1/namespaces/restricted/pods?dryRun=All', { metadata: { name: 'pod' }, spec });
}

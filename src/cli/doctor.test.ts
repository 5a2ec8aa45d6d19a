import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestContext } from './context.fixture.ts';
import { doctor } from './doctor.ts';

let directory: string;
let server: http.Server;
let methods: Set<string>;
/** Verbs that are refused to whomever asks. */
let denied: string[];

/** As much of an API server as a replica that publishes nothing meets. */
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-doctor-'));
  methods = new Set();
  denied = [];
  server = http.createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const path = request.url!;
    methods.add(`${request.method} ${path.replace(/.*\//, '')}`);
    const [status, body] = answerTo(path, text === '' ? {} : JSON.parse(text));
    response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: whatever was asked
function answerTo(path: string, body: any): [number, unknown] {
  if (path === '/version') return [200, { gitVersion: 'v1.36.2' }];
  if (path.endsWith('/selfsubjectreviews')) {
    return [201, { status: { userInfo: { username: 'system:serviceaccount:shop:web' } } }];
  }
  if (path.endsWith('/selfsubjectaccessreviews')) {
    return [201, { status: { allowed: !denied.includes(body.spec.resourceAttributes.verb) } }];
  }
  if (path.endsWith('/leases/web')) {
    return [200, { metadata: { name: 'web', uid: 'uid', resourceVersion: '1' } }];
  }
  if (path.endsWith('/pods/nope'))
    return [404, { kind: 'Status', reason: 'NotFound', details: { kind: 'pods', name: 'nope' } }];
  return [403, { kind: 'Status', reason: 'Forbidden', message: 'no' }];
}

function kubeconfig(userInfo = ''): string {
  const path = join(directory, 'kubeconfig');
  const url = `http://${userInfo}127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(
    path,
    JSON.stringify({
      clusters: [{ name: 'x', cluster: { server: url } }],
      users: [{ name: 'x', user: { token: 'abc' } }],
      contexts: ['shop', 'wine', undefined].map((namespace, index) => ({
        name: ['x', 'other', 'homeless'][index],
        context: { cluster: 'x', user: 'x', namespace },
      })),
      'current-context': 'x',
    }),
  );
  return path;
}

/** Reads what is in `directory`, and nothing of this machine. */
class Surroundings extends TestContext {
  override readFile(path: string): string | undefined {
    return path.startsWith(directory) ? 'there' : undefined;
  }
}

async function run(argv: readonly string[], env: Record<string, string> = {}) {
  const context = new Surroundings(env);
  const code = await doctor(argv, context);
  return { code, out: context.out, err: context.err };
}

/** With timings by which no answer of a busy machine is slow. */
const PATIENT = ['--lease-duration', '50s', '--renew-deadline', '40s'];
const args = (userInfo = '') => ['--kubeconfig', kubeconfig(userInfo), '--lease-name', 'web', ...PATIENT];

describe('doctor', () => {
  test('exits with 0 where nothing is wrong, and has only asked', async () => {
    const { code, out, err } = await run(args());
    expect(err).toBe('');
    expect(out).toMatch(/^ok {7}API_REACHABLE {2}Kubernetes v1\.36\.2 at http/);
    expect(out).toContain("ok       NAMESPACE_OK  namespace shop (from the kubeconfig's context)\n");
    expect(out).toMatch(/\n\nno errors, no warnings\n$/);
    expect(code).toBe(0);
    expect([...methods].sort()).toEqual([
      'GET shop',
      'GET version',
      'GET web',
      'POST selfsubjectaccessreviews',
      'POST selfsubjectreviews',
    ]);
  });

  test('without a namespace says first by which flag to name it', async () => {
    const { code, err } = await run([...args(), '--context', 'homeless']);
    expect(code).toBe(2);
    expect(err).toMatch(/OPTION_MISSING .*; name it: --namespace NAME, or LEASEGATE_NAMESPACE; in a pod POD_NAMESPACE/);
  });

  test('takes the context that is named, with its namespace', async () => {
    const { out } = await run([...args(), '--context', 'other']);
    expect(out).toContain("NAMESPACE_OK  namespace wine (from the kubeconfig's context)\n");
    expect(await run([...args(), '--context', 'none', '--namespace', 'shop'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('name one of: x, other, homeless'),
    });
  });

  test('shows no password that stands in the URL of the server', async () => {
    const { out } = await run(args('ann:secret@'));
    expect(out).toMatch(/API_REACHABLE .* at http:\/\/127\.0\.0\.1:\d+, /);
    expect(out).not.toMatch(/ann|secret/);
  });

  test('exits with 1 where something does not work, and prints the rule to add', async () => {
    denied = ['update'];
    const { code, out } = await run(args());
    expect(code).toBe(1);
    expect(out).toContain(
      [
        'error    LEASE_RIGHTS_MISSING  system:serviceaccount:shop:web may not update leases "web" in namespace shop: without get and update it never leads, without list and watch it asks every retry period',
        '         → add this rule to a Role in namespace shop that a RoleBinding there gives to system:serviceaccount:shop:web:',
        '           - apiGroups: [coordination.k8s.io]',
        '             resources: [leases]',
        '             resourceNames: ["web"]',
        '             verbs: [get, list, watch, update]',
        '',
      ].join('\n'),
    );
    expect(out).toMatch(/\n1 error, no warnings\n$/);
  });

  test('exits with 0 where there are warnings only', async () => {
    denied = ['watch'];
    const { code, out } = await run(args());
    expect(out).toMatch(/\nwarning {2}LEASE_RIGHTS_MISSING /);
    expect(code).toBe(0);
  });

  test('prints one object with --output json', async () => {
    denied = ['update'];
    const { code, out } = await run([...args(), '--output', 'json']);
    expect(code).toBe(1);
    const report = JSON.parse(out);
    expect(Object.keys(report)).toEqual(['version', 'level', 'findings']);
    expect(report.level).toBe('error');
    for (const finding of report.findings) {
      expect(Object.keys(finding)).toEqual(['code', 'level', 'message', 'remedy', 'rule']);
    }
  });

  test('exits with 2 where options are wrong, and says so as `run` does', async () => {
    const { code, out, err } = await run(['--lease-nam', 'web']);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(/OPTION_UNKNOWN --lease-nam .*did you mean --lease-name\?/);
  });

  test('exits with 2 where options are wrong, and says so in JSON where that is asked for', async () => {
    const { code, out, err } = await run([...args(), '--output=json', '--renew-interval', '30s']);
    expect(code).toBe(2);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ level: 'error', findings: [{ code: 'OPTION_CONFLICT', level: 'error' }] });
  });

  test.each([[[]], [['--output', 'json']]])('exits with 2 where there is no cluster to ask (%j)', async (more) => {
    const path = join(directory, 'kubeconfig');
    writeFileSync(path, '{}');
    const { code, out, err } = await run(['--kubeconfig', path, '--lease-name', 'web', '--namespace', 'shop', ...more]);
    expect(code).toBe(2);
    expect(out + err).toContain('KUBECONFIG_INVALID');
  });

  test('exits with 2 as soon as it is told to end', async () => {
    server.removeAllListeners('request');
    const context = new Surroundings();
    server.on('request', () => context.signal('SIGINT'));
    expect(await doctor(args(), context)).toBe(2);
    expect(context.out).toBe('');
    expect(context.err).toMatch(/^leasegate: INTERRUPTED /);
  });

  test('looks at a pod that it is told of by a flag, and needs to know no more than its name', async () => {
    const more = ['--pod', 'web-1', '--publish', 'endpointslice', '--endpointslice-service', 'web'];
    const { code, out, err } = await run([...args(), ...more], {
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      POD_NAME: 'ci-0',
    });
    expect(err).toBe('');
    expect(out).toContain("skipped  POD_UNREADABLE  pod shop/web-1 can't be read");
    expect(out).not.toContain('POD_ENV_MISSING');
    expect(code).toBe(0);
  });

  test.each([[[]], [['--service-account', 'web']]])(
    'from a workstation wants nothing that only a pod is told, whatever is published (%j)',
    async (more) => {
      const publish = ['--publish', 'label,endpointslice', '--endpointslice-service', 'web-leader'];
      const { out, err } = await run([...args(), ...publish, ...more]);
      expect(err).toBe('');
      expect(out).toContain('API_REACHABLE');
      expect(out).not.toMatch(/not-told|POD_/);
    },
  );

  test('in a pod asks for what publishing needs there, unless it is about a service account', async () => {
    const publish = [...args(), '--publish', 'label'];
    const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
    expect((await run(publish, env)).err).toContain('POD_UID is not set');
    expect((await run([...publish, '--service-account', 'web'], env)).err).toBe('');
  });

  test('of a pod that is not there says to correct what named it: a flag, or the pod template', async () => {
    const prefixed = ['--kubeconfig', kubeconfig(), '--lease-name-prefix', 'shop', ...PATIENT];
    const byFlag = await run([...prefixed, '--pod', 'nope']);
    expect(byFlag.code).toBe(1);
    expect(byFlag.out).toMatch(/LEASE_NAME_UNKNOWN .*there is no pod shop\/nope.*\n +→ correct --pod or the namespace/);
    const byVariable = await run(prefixed, { POD_NAME: 'nope' });
    expect(byVariable.out).toMatch(/LEASE_NAME_UNKNOWN .*\n +→ set POD_NAME and POD_NAMESPACE from the downward API/);
  });

  test('says which variables a pod lacks, and looks for no pod by the name of a machine', async () => {
    const { out } = await run(args(), { KUBERNETES_SERVICE_HOST: '10.0.0.1', POD_NAME: '' });
    expect(out).toContain('warning  POD_ENV_MISSING  this pod was not told POD_NAME, POD_UID');
    expect(out).not.toContain('POD_UNREADABLE');
  });
});

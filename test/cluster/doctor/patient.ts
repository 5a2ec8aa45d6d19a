import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { LineProcess } from '../replica/line-process.ts';
import { type Rule, shippedRules } from '../replica/role.ts';
import { expectStatus } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import type { ApiAnswer } from '../support/api-client.ts';
import type { ControlPlane } from '../support/control-plane.ts';

export const LEASE = 'web';
const ACCOUNT = 'web';
const POD = 'web-0';
const RBAC = '/apis/rbac.authorization.k8s.io/v1/namespaces';

/** A finding as it stands on the screen. */
export interface Printed {
  readonly level: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** The rule below the remedy, as YAML. */
  readonly rule: string;
}

/** What one run of the doctor printed. */
export interface Diagnosis {
  readonly exitCode: number | null;
  readonly findings: readonly Printed[];
  readonly text: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Default: that of the replica's service account. Null: what a container finds in a pod. */
  readonly kubeconfig?: string | null;
}

/** One set-up in a namespace of its own: a Lease, a pod, its service account, and a Role that tests break and mend. */
export class Patient {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  readonly directory: string;
  readonly #leasegate: readonly string[];
  kubeconfig = '';
  podUid = '';

  /** All of it well, for a replica that publishes nothing. */
  static async admit(controlPlane: ControlPlane, leasegate: readonly string[], namespace: string): Promise<Patient> {
    const patient = new Patient(controlPlane, leasegate, namespace);
    await mkdir(patient.directory, { recursive: true });
    await patient.create('/api/v1/namespaces', { metadata: { name: namespace } });
    await patient.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: ACCOUNT } });
    await patient.create(`${RBAC}/${namespace}/roles`, { metadata: { name: ACCOUNT }, rules: [] });
    await patient.create(`${RBAC}/${namespace}/rolebindings`, {
      metadata: { name: ACCOUNT },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT },
      subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace }],
    });
    await patient.create(patient.leases, { metadata: { name: LEASE } });
    await patient.setRules(await shippedRules(LEASE));
    patient.kubeconfig = await patient.kubeconfigWith(await controlPlane.serviceAccountToken(namespace, ACCOUNT));
    return patient;
  }

  private constructor(controlPlane: ControlPlane, leasegate: readonly string[], namespace: string) {
    this.controlPlane = controlPlane;
    this.namespace = namespace;
    this.directory = join(controlPlane.directory, namespace);
    this.#leasegate = leasegate;
  }

  get leases(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases`;
  }

  get services(): string {
    return `/api/v1/namespaces/${this.namespace}/services`;
  }

  apps(kind: 'deployments' | 'replicasets' | 'statefulsets'): string {
    return `/apis/apps/v1/namespaces/${this.namespace}/${kind}`;
  }

  get pods(): string {
    return `/api/v1/namespaces/${this.namespace}/pods`;
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the API server sent
  async create(path: string, object: object): Promise<any> {
    return (await expectStatus(this.controlPlane.admin.post(path, object), 201)).body;
  }

  async change(path: string, patch: object): Promise<void> {
    await expectStatus(this.controlPlane.admin.patch(path, patch), 200);
  }

  async kubeconfigWith(token: string, name = 'replica'): Promise<string> {
    const path = join(this.directory, `${name}.kubeconfig`);
    return this.controlPlane.kubeconfigFor({ token, path, namespace: this.namespace });
  }

  async addPod(spec: object = {}, metadata: object = {}): Promise<void> {
    const pod = await this.create(this.pods, {
      metadata: { name: POD, labels: { app: 'web' }, ...metadata },
      spec: { serviceAccountName: ACCOUNT, containers: [{ name: 'application', image: 'none' }], ...spec },
    });
    this.podUid = pod.metadata.uid;
  }

  async setRules(rules: readonly Rule[]): Promise<void> {
    // The API server takes none without verbs.
    const sensible = rules.filter(({ verbs }) => verbs.length > 0);
    await this.change(`${RBAC}/${this.namespace}/roles/${ACCOUNT}`, { rules: sensible });
  }

  role(): Promise<ApiAnswer> {
    return expectStatus(this.controlPlane.admin.get(`${RBAC}/${this.namespace}/roles/${ACCOUNT}`), 200);
  }

  /** Resolves when the API server goes by the Role as it is now. */
  async untilRevoked(verb: string, resourceOfRule: string): Promise<void> {
    const replica = this.controlPlane.clientFor(await this.controlPlane.serviceAccountToken(this.namespace, ACCOUNT));
    const [resource, subresource] = resourceOfRule.split('/');
    await until(`${verb} ${resourceOfRule} is refused`, 15_000, async () => {
      const { body } = await replica.post('/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
        spec: { namespace: this.namespace },
      });
      const rules = body.status.resourceRules as Rule[];
      const wanted = subresource === undefined ? resource! : `${resource}/${subresource}`;
      return !rules.some(({ resources, verbs }) => resources.includes(wanted) && verbs.includes(verb));
    });
  }

  /** Puts the YAML, as it was printed, below the rules that the Role has. */
  async addRule(yaml: string): Promise<void> {
    const { rules } = (await this.role()).body;
    await this.setRules([...((rules ?? []) as Rule[]), ...(load(yaml) as Rule[])]);
  }

  /** Writes the files that the kubelet mounts. */
  async #mountable(): Promise<string> {
    const directory = join(this.directory, 'mounted');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'token'), await this.controlPlane.serviceAccountToken(this.namespace, ACCOUNT));
    await writeFile(join(directory, 'namespace'), this.namespace);
    await copyFile(this.controlPlane.caFile, join(directory, 'ca.crt'));
    return directory;
  }

  /** `leasegate doctor`, with what the replica's container has in its environment. */
  async examine({ env = {}, args = [], kubeconfig = this.kubeconfig }: RunOptions = {}): Promise<Diagnosis> {
    const lines: string[] = [];
    const [command, ...prefix] =
      kubeconfig === null ? [...mounting(await this.#mountable()), ...this.#leasegate] : this.#leasegate;
    const run = new LineProcess({
      command: command!,
      args: [...prefix, 'doctor', ...args],
      env: {
        PATH: process.env.PATH,
        ...(kubeconfig === null
          ? { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: `${this.controlPlane.ports.apiServer}` }
          : { KUBECONFIG: kubeconfig }),
        LEASEGATE_LEASE_NAME: LEASE,
        // With these timings no answer of a busy machine is slow.
        LEASEGATE_LEASE_DURATION: '50s',
        LEASEGATE_RENEW_DEADLINE: '40s',
        POD_NAMESPACE: this.namespace,
        ...(this.podUid !== '' && { POD_NAME: POD, POD_UID: this.podUid, POD_IP: '192.0.2.1' }),
        ...env,
      },
      onLine: (line) => lines.push(line),
    });
    await run.closed();
    const text = `${lines.join('\n')}\n${run.stderr}`;
    return { exitCode: run.exitCode, findings: findingsIn(lines), text };
  }
}

/** Runs a program where `directory` is mounted as a service account. It takes root. */
function mounting(directory: string): string[] {
  const place = '/run/secrets/kubernetes.io/serviceaccount';
  const script = `mount -t tmpfs none /run && mkdir -p ${place} && cp "$0"/* ${place} && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-c', script, directory];
}

/** Reads what people read. */
function findingsIn(lines: readonly string[]): Printed[] {
  const findings: { -readonly [K in keyof Printed]: Printed[K] }[] = [];
  for (const line of lines) {
    const [, level, code, message] = /^(ok|skipped|warning|error) +([A-Z_]+) {2}(.*)$/.exec(line) ?? [];
    const last = findings.at(-1);
    if (code !== undefined) findings.push({ level: level!, code, message: message!, remedy: '', rule: '' });
    else if (last !== undefined && line.startsWith('         → ')) last.remedy = line.slice(11);
    else if (last !== undefined && line.startsWith('           ')) last.rule += `${line.slice(11)}\n`;
  }
  return findings;
}

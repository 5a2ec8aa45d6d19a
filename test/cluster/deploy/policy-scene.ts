import { join } from 'node:path';
import { expectStatus } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import type { ApiAnswer, ApiClient } from '../support/api-client.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { deploy } from './shipped.ts';

export const STRATEGIC = { contentType: 'application/strategic-merge-patch+json' };
export const ELECTION = 'leasegate.dev/election';
export const ROLE = 'leasegate.dev/role';
export const TOKEN = 'leasegate.dev/fencing-token';
export const GATE = 'leasegate.dev/leader';

const SERVICE_ACCOUNT = 'leasegate';
const ENFORCED_TIMEOUT_MS = 30_000;

/** A pod as it was made. */
export interface MadePod {
  readonly name: string;
  readonly uid: string;
  readonly path: string;
}

/**
 * A namespace with the base, whose service account may by RBAC do far more than it needs: what is refused is refused by the
 * admission policy.
 */
export class PolicyScene {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;

  /** Resolves when the API server goes by the policy. */
  static async open(controlPlane: ControlPlane, namespace: string): Promise<PolicyScene> {
    const scene = new PolicyScene(controlPlane, namespace);
    const { admin } = controlPlane;
    await expectStatus(admin.post('/api/v1/namespaces', { metadata: { name: namespace } }), 201);
    await controlPlane.kubectl('--namespace', namespace, 'apply', '--kustomize', join(deploy, 'base'));
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const all = { resources: ['*'], verbs: ['*'] };
    const rules = [
      { ...all, apiGroups: ['', 'coordination.k8s.io', 'discovery.k8s.io'], resources: PERMITTED },
      { apiGroups: [''], resources: ['services'], resourceNames: ['web'], verbs: ['get'] },
    ];
    await expectStatus(admin.post(`${rbac}/roles`, { metadata: { name: 'broad' }, rules }), 201);
    const binding = {
      metadata: { name: 'broad' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'broad' },
      subjects: [{ kind: 'ServiceAccount', name: SERVICE_ACCOUNT, namespace }],
    };
    await expectStatus(admin.post(`${rbac}/rolebindings`, binding), 201);
    await applyPolicy(controlPlane);
    await scene.#untilEnforced();
    return scene;
  }

  private constructor(controlPlane: ControlPlane, namespace: string) {
    this.controlPlane = controlPlane;
    this.namespace = namespace;
  }

  core(path: string): string {
    return `/api/v1/namespaces/${this.namespace}/${path}`;
  }

  leases(name?: string): string {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases`;
    return name === undefined ? path : `${path}/${name}`;
  }

  slices(name?: string): string {
    const path = `/apis/discovery.k8s.io/v1/namespaces/${this.namespace}/endpointslices`;
    return name === undefined ? path : `${path}/${name}`;
  }

  /** @param gated - whether its readiness depends on who leads */
  async makePod(name: string, labels: Readonly<Record<string, string>> = {}, gated = true): Promise<MadePod> {
    const { admin } = this.controlPlane;
    const spec = {
      serviceAccountName: SERVICE_ACCOUNT,
      readinessGates: gated ? [{ conditionType: GATE }] : [],
      containers: [{ name: 'app', image: 'example.com/app' }],
    };
    const manifest = { metadata: { name, labels: { app: 'web', ...labels }, annotations: { note: 'x' } }, spec };
    const { body } = await expectStatus(admin.post(this.core('pods'), manifest), 201);
    const path = this.core(`pods/${name}`);
    const status = {
      phase: 'Running',
      podIPs: [{ ip: '10.0.0.1' }],
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'ContainersReady', status: 'True' },
      ],
    };
    await expectStatus(admin.patch(`${path}/status`, { status }, STRATEGIC), 200);
    return { name, uid: body.metadata.uid, path };
  }

  /** A client with the token that a pod finds mounted. */
  clientIn(pod: MadePod): Promise<ApiClient> {
    return clientOf(this.controlPlane, { namespace: this.namespace, serviceAccount: SERVICE_ACCOUNT, pod });
  }

  /** A client with a token of the same service account, bound to nothing. */
  clientOutside(): Promise<ApiClient> {
    return clientOf(this.controlPlane, { namespace: this.namespace, serviceAccount: SERVICE_ACCOUNT });
  }

  /** Each of the three is asked for something that it must refuse. */
  async #untilEnforced(): Promise<void> {
    const client = await this.clientOutside();
    const slice = { metadata: { name: 'x' }, addressType: 'IPv4', endpoints: [] };
    await this.controlPlane.admin.post(this.core('pods'), {
      metadata: { name: 'probe' },
      spec: { containers: [{ name: 'app', image: 'example.com/app' }] },
    });
    const tries = [
      () => client.post(`${this.leases()}?dryRun=All`, { metadata: { name: 'x' } }),
      () => client.patch(`${this.core('pods/probe')}?dryRun=All`, { metadata: { labels: { x: 'y' } } }),
      () => client.post(`${this.slices()}?dryRun=All`, slice),
    ];
    for (const attempt of tries) {
      await until('the policy is enforced', ENFORCED_TIMEOUT_MS, async () => isRefusal(await attempt()));
    }
  }
}

const PERMITTED = ['pods', 'pods/status', 'leases', 'endpointslices'];

/** A token of a service account: bound to a pod, as the kubelet mounts it, or to nothing. */
export async function boundToken(
  controlPlane: ControlPlane,
  namespace: string,
  serviceAccount: string,
  pod?: Pick<MadePod, 'name' | 'uid'>,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
  const bound = pod && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } };
  const { body } = await expectStatus(controlPlane.admin.post(path, { spec: { ...bound } }), 201);
  return body.status.token;
}

/** A client with such a token. */
export async function clientOf(
  controlPlane: ControlPlane,
  of: { readonly namespace: string; readonly serviceAccount: string; readonly pod?: Pick<MadePod, 'name' | 'uid'> },
): Promise<ApiClient> {
  const pod = of.pod && { name: of.pod.name, uid: of.pod.uid };
  return controlPlane.clientFor(await boundToken(controlPlane, of.namespace, of.serviceAccount, pod));
}

export async function applyPolicy(controlPlane: ControlPlane): Promise<void> {
  await controlPlane.kubectl('apply', '--kustomize', join(deploy, 'admission-policy'));
}

/** Whether the policy refused it, rather than RBAC or the API itself. */
export function isRefusal({ status, body }: ApiAnswer): boolean {
  return status === 403 && /ValidatingAdmissionPolicy 'leasegate-\w+'/.test(body.message);
}

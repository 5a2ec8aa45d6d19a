import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiAnswer } from '../support/api-client.ts';
import type { AuditEntry } from '../support/audit-log.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { findTool } from '../tools/build.ts';
import { monoMs } from './clock.ts';
import { Elector } from './elector.ts';
import { type Claimant, checkHistory, reignsOf } from './history.ts';
import { Replica, type Timings } from './replica.ts';
import { type Rule, shippedRules } from './role.ts';
import { until } from './until.ts';

export interface SceneOptions {
  readonly controlPlane: ControlPlane;
  /** Program and arguments that run Leasegate. */
  readonly leasegate: readonly string[];
  /** A namespace of its own. */
  readonly namespace: string;
  readonly timings: Timings;
  /** Time between two questions to each replica's `/leader`. */
  readonly askEveryMs: number;
}

export interface StartOptions {
  /** Default: `pod-<n>`. */
  readonly podName?: string;
  /** Default: a random one. */
  readonly podUid?: string;
  /** The process before it in the same pod: takes over its name, uid and service account. */
  readonly restartOf?: Replica;
  /** URL of the API server as this replica sees it. */
  readonly server?: string;
  /** PEM file of the certificate authority, read again and again. Default: the control plane's, in the kubeconfig. */
  readonly caFile?: string;
  /** The token that it starts with. Default: one from the TokenRequest API. */
  readonly token?: string;
  /** Default: any port of 127.0.0.1. */
  readonly probeListen?: string;
  /** Beside what every replica is given. */
  readonly env?: NodeJS.ProcessEnv;
  /** Program and arguments put before its own; it must `exec` them, for signals go to its pid: `['prlimit', '--nofile=64']`. */
  readonly commandPrefix?: readonly string[];
  /** Null: its options name the Lease in another way. Default: that of the scene. */
  readonly leaseName?: null;
  /** Leases that it elects on beside the scene's own. */
  readonly furtherLeases?: readonly string[];
  /** Further arguments. */
  readonly args?: readonly string[];
  /** Its wall clock is not this machine's: its log's lines are timed by their receipt. Default: false. */
  readonly ownWallClock?: boolean;
}

const LEASE_NAME = 'app';
/** No claim: on a busy machine several processes start together. */
const START_TIMEOUT_MS = 30_000;

/** One election in a namespace of its own: replicas as processes, the Lease, the Role that ships, and the history. */
export class Scene {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  readonly leaseName = LEASE_NAME;
  readonly timings: Timings;
  readonly replicas: Replica[] = [];
  readonly electors: Elector[] = [];
  readonly leasePath: string;
  readonly #options: SceneOptions;
  readonly #directory: string;
  #pods = 0;

  /** Makes the namespace, and the Role for its service accounts; resolves when the API server grants by it. */
  static async open(options: SceneOptions): Promise<Scene> {
    const scene = new Scene(options);
    const { admin } = options.controlPlane;
    await mkdir(scene.#directory, { recursive: true });
    await expectStatus(admin.post('/api/v1/namespaces', { metadata: { name: scene.namespace } }), 201);
    await scene.#rbac('POST', 'roles', { metadata: { name: 'leasegate' }, rules: await shippedRules(LEASE_NAME) });
    await scene.#rbac('POST', 'rolebindings', {
      metadata: { name: 'leasegate' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'leasegate' },
      subjects: [
        { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: `system:serviceaccounts:${scene.namespace}` },
      ],
    });
    await scene.untilGranted('update', true);
    return scene;
  }

  private constructor(options: SceneOptions) {
    this.controlPlane = options.controlPlane;
    this.namespace = options.namespace;
    this.timings = options.timings;
    this.leasePath = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases/${LEASE_NAME}`;
    this.#options = options;
    this.#directory = join(options.controlPlane.directory, options.namespace);
  }

  /** Creates the Lease as manifests do: without a holder. */
  async shipLease(): Promise<void> {
    const { admin } = this.controlPlane;
    await expectStatus(
      admin.post(this.leasePath.slice(0, -LEASE_NAME.length - 1), { metadata: { name: LEASE_NAME } }),
      201,
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: assertions read whatever the API server sent
  async lease(): Promise<any> {
    return (await expectStatus(this.controlPlane.admin.get(this.leasePath), 200)).body;
  }

  async startReplica(options: StartOptions = {}): Promise<Replica> {
    const { restartOf } = options;
    const podName = restartOf?.podName ?? options.podName ?? `pod-${++this.#pods}`;
    const generation = this.replicas.filter((replica) => replica.podName === podName).length;
    const token = options.token ?? (await this.tokenFor(podName));
    await writeFile(this.tokenFile(podName), token);
    const kubeconfig = await this.#kubeconfig(podName, options);
    const replica = new Replica({
      command: [...(options.commandPrefix ?? []), ...this.#options.leasegate],
      name: generation === 0 ? podName : `${podName}#${generation + 1}`,
      podName,
      podUid: restartOf?.podUid ?? options.podUid ?? crypto.randomUUID(),
      kubeconfig,
      namespace: this.namespace,
      leaseNames: options.leaseName === null ? [] : [LEASE_NAME, ...(options.furtherLeases ?? [])],
      timings: this.timings,
      askEveryMs: this.#options.askEveryMs,
      probeListen: options.probeListen,
      env: options.env ?? {},
      args: options.args ?? [],
      ownWallClock: options.ownWallClock ?? false,
    });
    this.replicas.push(replica);
    return replica;
  }

  /** Starts one and waits until it leads: nobody else may. */
  async startLeader(options?: StartOptions): Promise<Replica> {
    const replica = await this.startReplica(options);
    await until(`${replica.name} leads`, START_TIMEOUT_MS, () => replica.leading);
    return replica;
  }

  /** Starts several and waits until all watch the Lease and tell of changes. */
  async startReplicas(count: number): Promise<Replica[]> {
    const started: Replica[] = [];
    for (let i = 0; i < count; i++) started.push(await this.startReplica());
    await Promise.all(started.map((replica) => replica.untilWatching(START_TIMEOUT_MS)));
    return started;
  }

  /** Starts client-go's elector on the same Lease. */
  async startElector(identity: string): Promise<Elector> {
    await writeFile(this.tokenFile(identity), await this.tokenFor(identity));
    const elector = new Elector({
      command: await findTool('elector'),
      identity,
      kubeconfig: await this.#kubeconfig(identity, {}),
      namespace: this.namespace,
      leaseName: LEASE_NAME,
      timings: this.timings,
    });
    this.electors.push(elector);
    return elector;
  }

  /** A token of a service account of that name, which is made if absent. */
  async tokenFor(name: string): Promise<string> {
    await this.serviceAccountUid(name);
    return this.controlPlane.serviceAccountToken(this.namespace, name);
  }

  /** The uid of a service account of that name, which is made if absent. */
  async serviceAccountUid(name: string): Promise<string> {
    const { admin } = this.controlPlane;
    const path = `/api/v1/namespaces/${this.namespace}/serviceaccounts`;
    const present = await admin.get(`${path}/${name}`);
    if (present.status === 200) return present.body.metadata.uid;
    return (await expectStatus(admin.post(path, { metadata: { name } }), 201)).body.metadata.uid;
  }

  tokenFile(name: string): string {
    return join(this.#directory, `${name}.token`);
  }

  /** The replica that says that it leads, asked from now on. Waits for it, and no longer than `timeoutMs`. */
  async untilLeader(timeoutMs = START_TIMEOUT_MS): Promise<Replica> {
    const sinceMs = monoMs();
    return until('a replica leads', timeoutMs, () =>
      this.replicas.find(({ leading, answers }) => leading && answers.at(-1)!.sentMs >= sinceMs),
    );
  }

  /** Those that run and whose last answer says that they do not lead. */
  standbys(): Replica[] {
    return this.replicas.filter((replica) => replica.running && !replica.leading);
  }

  /** Replaces the rules that replicas have; resolves when the API server goes by them. */
  async setRules(rules: readonly Rule[]): Promise<void> {
    await this.#rbac('PUT', 'roles/leasegate', { metadata: { name: 'leasegate' }, rules });
    const granted = rules.some(({ resources, verbs }) => resources.includes('leases') && verbs.includes('update'));
    await this.untilGranted('update', granted);
  }

  /** Asks until a service account of this namespace may, or may not, do so to the Lease. */
  async untilGranted(verb: string, granted: boolean): Promise<void> {
    const client = this.controlPlane.clientFor(await this.tokenFor('asker'));
    const resourceAttributes = {
      namespace: this.namespace,
      group: 'coordination.k8s.io',
      resource: 'leases',
      name: LEASE_NAME,
      verb,
    };
    await until(`${verb} is ${granted ? 'granted' : 'refused'}`, 10_000, async () => {
      const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
      const review = await client.post(path, { spec: { resourceAttributes } });
      return review.body.status.allowed === granted;
    });
  }

  /** What a replica's pod, or all of this namespace's service accounts, asked of the API server so far. */
  async requests(podName?: string): Promise<AuditEntry[]> {
    const prefix = `system:serviceaccount:${this.namespace}:`;
    const entries = await this.controlPlane.auditEntries();
    // Whoever was refused with 401 has no name.
    return entries.filter(({ user: { username } }) =>
      podName === undefined ? username?.startsWith(prefix) : username === prefix + podName,
    );
  }

  claimants(): Claimant[] {
    return [...this.replicas, ...this.electors].map((process) => process.claimant());
  }

  /** What the history proves wrong, in plain words. */
  findings(): string[] {
    return [...checkHistory(this.claimants()), ...this.replicas.flatMap(answersAmiss)];
  }

  /** One line: who led, and for how long nobody did in between. */
  summary(): string {
    const { leaders, gapsMs } = reignsOf(this.claimants());
    return `leaders ${leaders.join(' → ') || 'none'}; ms without one: ${gapsMs.join(', ') || 'none'}`;
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    const processes = [...this.replicas, ...this.electors];
    for (const process of processes) process.kill();
    await Promise.all(processes.map((process) => process.closed().catch(() => {})));
  }

  /** Everything that was seen, for whoever looks into a failure. */
  async record(): Promise<object> {
    return {
      findings: this.findings(),
      summary: this.summary(),
      claimants: this.claimants(),
      replicas: this.replicas.map(
        ({ name, podUid, startedAtMs, endedAtMs, exitCode, log, events, answers, stderr }) => {
          return { name, podUid, startedAtMs, endedAtMs, exitCode, stderr, log, events, answers };
        },
      ),
      electors: this.electors.map(({ name, events, stderr }) => ({ name, events, stderr })),
      requests: await this.requests(),
    };
  }

  async #kubeconfig(name: string, { server, caFile }: StartOptions): Promise<string> {
    const { controlPlane } = this;
    const path = join(this.#directory, `${name}.kubeconfig`);
    await controlPlane.kubeconfigFor({ path, tokenFile: this.tokenFile(name), namespace: this.namespace });
    if (server === undefined && caFile === undefined) return path;
    const kubeconfig = JSON.parse(await readFile(path, 'utf8'));
    const { cluster } = kubeconfig.clusters[0];
    if (server !== undefined) cluster.server = server;
    if (caFile !== undefined) {
      delete cluster['certificate-authority-data'];
      cluster['certificate-authority'] = caFile;
    }
    await writeFile(path, JSON.stringify(kubeconfig));
    return path;
  }

  async #rbac(method: 'POST' | 'PUT', path: string, body: object): Promise<void> {
    const url = `/apis/rbac.authorization.k8s.io/v1/namespaces/${this.namespace}/${path}`;
    await expectStatus(this.controlPlane.admin.request(method, url, body), method === 'POST' ? 201 : 200);
  }
}

/** Answers that contradict themselves: each says that a replica leads, for a time and under a token, or that it does not. */
function answersAmiss({ name, answers }: Replica): string[] {
  return answers
    .filter(({ isLeader, validForMs, fencingToken }) =>
      isLeader ? validForMs <= 0 || fencingToken === null : validForMs !== 0 || fencingToken !== null,
    )
    .map((answer) => `${name} contradicts itself: ${JSON.stringify(answer)}`);
}

export async function expectStatus(answer: Promise<ApiAnswer>, status: number): Promise<ApiAnswer> {
  const got = await answer;
  if (got.status !== status) throw new Error(`${got.status} instead of ${status}: ${JSON.stringify(got.body)}`);
  return got;
}

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findTool } from '../tools/build.ts';
import { type ApiClient, apiClient } from './api-client.ts';
import { type AuditEntry, auditPolicy, readAuditLog } from './audit-log.ts';
import {
  type ApiServerSetup,
  apiServerFlags,
  type ControlPlanePorts,
  etcdDirectory,
  etcdFlags,
} from './control-plane-flags.ts';
import { Daemon, DaemonFailed } from './daemon.ts';
import { freePorts } from './free-ports.ts';
import { type KubeconfigOptions, writeKubeconfig } from './kubeconfig.ts';
import { makePki } from './pki.ts';
import { mintToken, type TokenClaims } from './tokens.ts';

const execute = promisify(execFile);

const readyTimeoutMs = 60_000;
const stopGraceMs = 10_000;
const startAttemptsMax = 3;

export interface ControlPlaneOptions {
  /** Log requests for {@link ControlPlane.auditEntries}. Default: false. */
  readonly audit?: boolean;
  /** E.g. `{CoordinatedLeaderElection: true}`. */
  readonly featureGates?: Readonly<Record<string, boolean>>;
  /** E.g. `{'coordination.k8s.io/v1beta1': true}`. */
  readonly runtimeConfig?: Readonly<Record<string, boolean>>;
  /** Folder for data and logs, made if absent, kept by `close`. Default: a temporary one, removed by `close`. */
  readonly dir?: string;
  /** IP address of this machine that the API server is served at. Default: 127.0.0.1. */
  readonly address?: string;
  /**
   * Whether kubelets join it: pods then need service accounts, the Service `kubernetes` leads to the API server, and nodes are
   * held to what the node authorizer gives them. Default: false.
   */
  readonly nodesJoin?: boolean;
  /** Bearer tokens of further users. */
  readonly users?: readonly { readonly token: string; readonly name: string; readonly group: string }[];
}

interface Setup extends ApiServerSetup {
  readonly etcdBinary: string;
  readonly apiServerBinary: string;
  readonly adminToken: string;
  readonly ca: Buffer;
  readonly keepDirectory: boolean;
}

/**
 * Starts a real etcd and kube-apiserver on ports of their own, on loopback unless told otherwise, with TLS, RBAC and service-account tokens, but
 * without controllers, scheduler and nodes: pods stay as they are written, and a deleted namespace never goes away.
 *
 * @throws MissingTool when a binary has not been built, DaemonFailed when one does not start
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const [etcdBinary, apiServerBinary] = await Promise.all([findTool('etcd'), findTool('kube-apiserver')]);
  const directory = options.dir ? resolve(options.dir) : await mkdtemp(join(tmpdir(), 'leasegate-cluster-'));
  await mkdir(directory, { recursive: true });
  const address = options.address ?? '127.0.0.1';
  const pki = await makePki(directory, address);
  const adminToken = randomBytes(16).toString('hex');
  const tokensFile = join(directory, 'tokens.csv');
  const users = [{ token: adminToken, name: 'admin', group: 'system:masters' }, ...(options.users ?? [])];
  const tokens = users.map(({ token, name, group }) => `${token},${name},${name},${group}\n`);
  await writeFile(tokensFile, tokens.join(''), { mode: 0o600 });
  const audit = { policyFile: join(directory, 'audit-policy.json'), logFile: join(directory, 'audit.jsonl') };
  await writeFile(audit.policyFile, JSON.stringify(auditPolicy));

  for (let attempt = 1; ; attempt++) {
    const [apiServer = 0, etcdClient = 0, etcdPeer = 0] = await freePorts(3);
    const controlPlane = new ControlPlane({
      directory,
      ports: { apiServer, etcdClient, etcdPeer },
      pki,
      tokensFile,
      ...(options.audit && { audit }),
      featureGates: options.featureGates ?? {},
      runtimeConfig: options.runtimeConfig ?? {},
      etcdBinary,
      apiServerBinary,
      adminToken,
      ca: await readFile(pki.caFile),
      keepDirectory: options.dir !== undefined,
      address,
      nodesJoin: options.nodesJoin ?? false,
    });
    try {
      await controlPlane.startEtcd();
      await controlPlane.startApiServer();
      await controlPlane.kubeconfigFor({ token: adminToken, path: controlPlane.adminKubeconfig, namespace: 'default' });
      return controlPlane;
    } catch (error) {
      const portTaken = error instanceof DaemonFailed && error.message.includes('address already in use');
      if (portTaken && attempt < startAttemptsMax) await controlPlane.stopDaemons();
      else {
        await controlPlane.close();
        throw error;
      }
    }
  }
}

/** A running control plane; see {@link startControlPlane}. It ends with this process, however this process ends. */
export class ControlPlane {
  /** Folder of its data and logs. */
  readonly directory: string;
  /** URL of the API server; stays the same across restarts. */
  readonly url: string;
  /** PEM file of the certificate authority that signed the API server's certificate. */
  readonly caFile: string;
  /** PEM file of the key that signs service-account tokens. */
  readonly serviceAccountKeyFile: string;
  /** Bearer token of `admin`, who may do everything. */
  readonly adminToken: string;
  /** Path of a kubeconfig for `admin`, namespace `default`. */
  readonly adminKubeconfig: string;
  /** Client of `admin`. */
  readonly admin: ApiClient;
  readonly ports: ControlPlanePorts;
  readonly #setup: Setup;
  #etcd: Daemon | undefined;
  #apiServer: Daemon | undefined;

  /** @internal use {@link startControlPlane} */
  constructor(setup: Setup) {
    this.#setup = setup;
    this.directory = setup.directory;
    this.ports = setup.ports;
    this.url = `https://${setup.address}:${setup.ports.apiServer}`;
    this.caFile = setup.pki.caFile;
    this.serviceAccountKeyFile = setup.pki.serviceAccountKeyFile;
    this.adminToken = setup.adminToken;
    this.adminKubeconfig = join(setup.directory, 'admin.kubeconfig');
    this.admin = this.clientFor(setup.adminToken);
  }

  /** A client that sends another token. */
  clientFor(token: string): ApiClient {
    return apiClient(this.url, this.#setup.ca, token);
  }

  /** Resolves when the API server is ready. Does nothing if it runs. */
  async startApiServer(): Promise<void> {
    if (this.#apiServer?.running) return;
    this.#apiServer = new Daemon({
      name: 'kube-apiserver',
      command: this.#setup.apiServerBinary,
      args: apiServerFlags(this.#setup),
      logFile: join(this.directory, 'kube-apiserver.log'),
    });
    const ready = async () => (await this.admin.get('/readyz', { timeoutMs: 2_000 })).status === 200;
    await this.#apiServer.untilReady(ready, readyTimeoutMs);
  }

  /**
   * Ends the API server; its port then refuses connections. Clients see their watches end.
   *
   * @param how - `gracefully` (SIGTERM: it answers what it has begun) or `at-once` (SIGKILL: connections are reset)
   */
  async stopApiServer(how: 'gracefully' | 'at-once' = 'gracefully'): Promise<void> {
    await this.#apiServer?.stop(how === 'gracefully' ? stopGraceMs : 0);
  }

  /** From now on the API server accepts connections and answers nothing. */
  pauseApiServer(): void {
    this.#apiServer?.pause();
  }

  /** It goes on, with the requests that have arrived meanwhile. */
  resumeApiServer(): void {
    this.#apiServer?.resume();
  }

  /** Resolves when etcd is ready, with the data of before. Does nothing if it runs. */
  async startEtcd(): Promise<void> {
    if (this.#etcd?.running) return;
    this.#etcd = new Daemon({
      name: 'etcd',
      command: this.#setup.etcdBinary,
      args: etcdFlags(this.directory, this.ports),
      logFile: join(this.directory, 'etcd.log'),
    });
    const health = `http://127.0.0.1:${this.ports.etcdClient}/health`;
    await this.#etcd.untilReady(async () => (await fetch(health)).ok, readyTimeoutMs);
  }

  /**
   * Ends etcd, with SIGKILL: its data is safe, and a graceful end would take it seven seconds. Of the API server's
   * requests reads then hang and writes answer 504 after 34 s. After etcd is back it takes a while until the API
   * server has reconnected, the longer the outage the longer: 2 s after 3 s, 5 s after 20 s.
   */
  async stopEtcd(): Promise<void> {
    await this.#etcd?.stop(0);
  }

  /** From now on etcd accepts connections and answers nothing: reads and writes of the API server hang. */
  pauseEtcd(): void {
    this.#etcd?.pause();
  }

  resumeEtcd(): void {
    this.#etcd?.resume();
  }

  /**
   * Copies etcd's data as they are at this moment, for {@link restoreEtcd}. Etcd stands still meanwhile: what a process
   * that is killed in this moment leaves behind is what it is made to start from.
   *
   * @returns path of the copy, in the control plane's folder
   */
  async copyEtcd(): Promise<string> {
    const copy = await mkdtemp(join(this.directory, 'etcd-copy-'));
    this.pauseEtcd();
    try {
      await cp(this.#etcdDirectory, copy, { recursive: true });
    } finally {
      this.resumeEtcd();
    }
    return copy;
  }

  /**
   * Makes a copy etcd's data; etcd must be stopped. All that was written after the copy is forgotten, and its revisions
   * are given out again. As etcd's documentation asks, stop the API server before and start it after: it caches.
   */
  async restoreEtcd(copy: string): Promise<void> {
    if (this.#etcd?.running) throw new Error('etcd runs: stop it before its data are replaced');
    await rm(this.#etcdDirectory, { recursive: true, force: true });
    await cp(copy, this.#etcdDirectory, { recursive: true });
  }

  get #etcdDirectory(): string {
    return etcdDirectory(this.directory);
  }

  /**
   * A token for a service account from the TokenRequest API.
   *
   * @param expirationSeconds - at least 600; default 3600
   * @throws Error when the API server refuses, e.g. because the service account does not exist
   */
  async serviceAccountToken(
    namespace: string,
    serviceAccount: string,
    { expirationSeconds = 3600 }: { readonly expirationSeconds?: number } = {},
  ): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const { status, body } = await this.admin.post(path, { spec: { expirationSeconds } });
    if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${body?.message ?? body}`);
    return body.status.token;
  }

  /** A token signed with the API server's own key, which may be as short-lived or expired as a test needs. */
  mintToken(claims: TokenClaims): string {
    return mintToken(this.#setup.pki.serviceAccountKeyFile, claims);
  }

  /** Writes a kubeconfig for this control plane and returns its path. */
  kubeconfigFor(options: Omit<KubeconfigOptions, 'server' | 'caFile'>): Promise<string> {
    return writeKubeconfig({ ...options, server: this.url, caFile: this.caFile });
  }

  /**
   * Runs kubectl as `admin` and returns what it printed.
   *
   * @throws MissingTool when kubectl has not been built; Error with its stderr when it fails
   */
  async kubectl(...args: string[]): Promise<string> {
    const { stdout } = await execute(await findTool('kubectl'), ['--kubeconfig', this.adminKubeconfig, ...args]);
    return stdout;
  }

  /** Requests for Leases, LeaseCandidates, pods, Events and EndpointSlices so far; none without the option `audit`. */
  auditEntries(): Promise<AuditEntry[]> {
    return this.#setup.audit ? readAuditLog(this.#setup.audit.logFile) : Promise.resolve([]);
  }

  /** Ends everything, and removes the folder if it was a temporary one. May be called twice. */
  async close(): Promise<void> {
    await this.stopDaemons();
    if (!this.#setup.keepDirectory) await rm(this.directory, { recursive: true, force: true });
  }

  /** @internal */
  async stopDaemons(): Promise<void> {
    await this.stopApiServer('at-once');
    await this.#etcd?.stop(0);
  }
}

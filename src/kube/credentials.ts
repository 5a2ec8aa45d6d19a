import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { LoadedKubeConfig } from './kubeconfig.ts';

/** What a connection needs; when any of it changes, connections are made anew. */
export type TlsMaterial = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;

export interface PresentCredentials {
  readonly tls: TlsMaterial;
  /** Changes with the material. */
  readonly tlsVersion: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * How old what was read may be. The kubelet rotates tokens at 80 % of their life and CAs long before they end; ten seconds
 * are soon enough, and a 401 asks for a fresh look at once.
 */
const FRESH_MS = 10_000;

/**
 * Credentials from a kubeconfig or a pod's service account, read again as they are rotated. A file that can't be read (a
 * rotation in progress, say) leaves the last one in use.
 */
export class Credentials {
  readonly #loaded: LoadedKubeConfig;
  readonly #clock: Clock;
  readonly #log: Logger;
  #present: PresentCredentials | null = null;
  #readAtMonoMs = Number.NEGATIVE_INFINITY;
  #unreadable: string | null = null;

  constructor(loaded: LoadedKubeConfig, clock: Clock, log: Logger) {
    this.#loaded = loaded;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws Error when there are none at all: the first reading failed. */
  async present(): Promise<PresentCredentials> {
    const nowMonoMs = this.#clock.now().monoMs;
    if (this.#present !== null && nowMonoMs - this.#readAtMonoMs < FRESH_MS) return this.#present;
    // Set first: callers that come while this one reads go on with what there is.
    this.#readAtMonoMs = nowMonoMs;
    try {
      this.#present = await this.#read();
      this.#noteReadable(null);
    } catch (error) {
      if (this.#present === null) {
        this.#readAtMonoMs = Number.NEGATIVE_INFINITY;
        throw error;
      }
      this.#noteReadable(error instanceof Error ? error.message : String(error));
    }
    return this.#present;
  }

  /** After a 401: reads them again, and says whether anything is different now. */
  async refresh(): Promise<boolean> {
    const before = this.#present;
    this.#readAtMonoMs = Number.NEGATIVE_INFINITY;
    const after = await this.present();
    return (
      before === null ||
      JSON.stringify(after.headers) !== JSON.stringify(before.headers) ||
      after.tlsVersion !== before.tlsVersion
    );
  }

  async #read(): Promise<PresentCredentials> {
    const { config, tokenFile } = this.#loaded;
    const cluster = config.getCurrentCluster();
    const user = config.getCurrentUser();
    const tls: TlsMaterial = {
      ...(await material('ca', cluster?.caFile, cluster?.caData)),
      ...(await material('cert', user?.certFile, user?.certData)),
      ...(await material('key', user?.keyFile, user?.keyData)),
      ...(cluster?.skipTLSVerify ? { rejectUnauthorized: false } : {}),
      ...(cluster?.tlsServerName ? { servername: cluster.tlsServerName } : {}),
    };
    const headers: Record<string, string> = {};
    if (user?.impersonateUser) headers['Impersonate-User'] = user.impersonateUser;
    if (tokenFile !== null) {
      const token = (await readFile(tokenFile, 'utf8')).trim();
      if (token === '') throw new Error(`token file ${tokenFile} is empty`);
      headers.Authorization = `Bearer ${token}`;
    } else if (user?.token) {
      headers.Authorization = `Bearer ${user.token}`;
    } else if (user?.username) {
      headers.Authorization = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
    } else if (user?.exec || user?.authProvider) {
      await this.#runPlugin(tls, headers);
    }
    const changed = this.#present === null || !sameMaterial(this.#present.tls, tls);
    return { tls, headers, tlsVersion: (this.#present?.tlsVersion ?? 0) + (changed ? 1 : 0) };
  }

  /** Exec plugins and OIDC are client-node's; it caches what they give until it expires. */
  async #runPlugin(tls: TlsMaterial, headers: Record<string, string>): Promise<void> {
    const options: RequestOptions = {};
    await this.#loaded.config.applyToHTTPSOptions(options);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
    if (options.cert) tls.cert = options.cert;
    if (options.key) tls.key = options.key;
  }

  #noteReadable(problem: string | null): void {
    if (problem === this.#unreadable) return;
    this.#unreadable = problem;
    if (problem === null) this.#log.info({ code: 'CREDENTIALS_READABLE' }, 'credentials can be read again');
    else
      this.#log.warn(
        { code: 'CREDENTIALS_UNREADABLE' },
        `credentials can't be read, the last ones stay in use: ${problem}`,
      );
  }
}

async function material(field: 'ca' | 'cert' | 'key', file?: string, data?: string): Promise<TlsMaterial> {
  if (file) return { [field]: await readFile(file, 'utf8') };
  return data ? { [field]: Buffer.from(data, 'base64').toString('utf8') } : {};
}

function sameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

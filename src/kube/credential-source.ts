import { readFile } from 'node:fs/promises';
import { validateHeaderValue } from 'node:http';
import type { RequestOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { LoadedKubeConfig } from './kubeconfig.ts';
import { TransportError } from './transport.ts';

/** What a connection needs; when any of it changes, connections are made anew. */
export type TlsMaterial = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;

export interface CredentialMaterial {
  readonly tls: TlsMaterial;
  readonly headers: Readonly<Record<string, string>>;
}

const MESSAGE_LENGTH_MAX = 300;

/**
 * Reads what the configuration names: files, or what a plugin gives. There is no limit to how long a plugin may take.
 *
 * @throws TransportError `no-credentials`, with a remedy
 */
export async function readCredentials(loaded: LoadedKubeConfig): Promise<CredentialMaterial> {
  const cluster = loaded.config.getCurrentCluster();
  const user = loaded.config.getCurrentUser();
  const tls: TlsMaterial = {
    ...(await readPem('ca', 'certificate-authority', cluster?.caFile, cluster?.caData)),
    ...(await readPem('cert', 'client-certificate', user?.certFile, user?.certData)),
    ...(await readPem('key', 'client-key', user?.keyFile, user?.keyData)),
    ...(cluster?.skipTLSVerify ? { rejectUnauthorized: false } : {}),
    ...(cluster?.tlsServerName ? { servername: cluster.tlsServerName } : {}),
  };
  const headers: Record<string, string> = {};
  if (user?.impersonateUser) headers['Impersonate-User'] = user.impersonateUser;
  await orNone(remedyFor(loaded), async () => {
    await authenticate(loaded, tls, headers);
    for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
  });
  return { tls, headers };
}

/**
 * Half a certificate is found out here rather than by each connection.
 *
 * @throws TransportError `no-credentials`, with a remedy
 */
export async function checkTls({ config }: LoadedKubeConfig, { ca, cert, key }: TlsMaterial): Promise<void> {
  if (!config.getCurrentCluster()?.server.startsWith('https:')) return;
  const user = config.getCurrentUser();
  const [certName, keyName] = [user?.certFile ?? 'client-certificate-data', user?.keyFile ?? 'client-key-data'];
  await orNone(`check ${certName} and ${keyName}: PEM of a certificate, and the key that belongs to it`, () => {
    createSecureContext({ ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) });
  });
}

/** What the operator can do where there are no credentials. */
export function remedyFor({ config, tokenFile }: LoadedKubeConfig): string {
  const user = config.getCurrentUser();
  if (tokenFile !== null) return `check the token file ${tokenFile}: one token on one line, mounted and readable`;
  if (user?.token) return 'check the token in the kubeconfig: one token on one line';
  if (user?.exec) return `try the exec plugin ${user.exec.command} by hand: it must print an ExecCredential, and soon`;
  if (user?.authProvider) {
    return `log in again at the auth-provider ${user.authProvider.name}, or use a token file or an exec plugin instead`;
  }
  return "check the kubeconfig's user";
}

async function authenticate(
  { config, tokenFile }: LoadedKubeConfig,
  tls: TlsMaterial,
  headers: Record<string, string>,
): Promise<void> {
  const user = config.getCurrentUser();
  if (tokenFile !== null) {
    const token = (await readFile(tokenFile, 'utf8')).trim();
    if (token === '') throw new Error(`token file ${tokenFile} is empty`);
    headers.Authorization = `Bearer ${token}`;
  } else if (user?.token) {
    headers.Authorization = `Bearer ${user.token}`;
  } else if (user?.username) {
    headers.Authorization = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
  } else if (user?.exec || user?.authProvider) {
    if (!user.exec && !user.authProvider.config) {
      throw new Error(`the kubeconfig stores no token for auth-provider ${user.authProvider.name}`);
    }
    // Exec plugins and OIDC are client-node's; it caches what they give until it expires.
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options).catch((error) => {
      throw isNotInstalled(error) ? new Error(`${user.exec.command} is not installed, or not on PATH (ENOENT)`) : error;
    });
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
    if (options.cert) tls.cert = options.cert;
    if (options.key) tls.key = options.key;
    // client-node gives nothing, and no reason, where an expired OIDC token can't be refreshed.
    if (!headers.Authorization && !tls.cert) throw new Error('neither a token nor a certificate was given');
  }
}

/** What Node says of a program that it can't find. */
function isNotInstalled(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOENT' && syscall?.startsWith('spawn') === true;
}

async function readPem(
  field: 'ca' | 'cert' | 'key',
  name: string,
  file?: string,
  data?: string,
): Promise<Partial<Record<'ca' | 'cert' | 'key', string>>> {
  if (!file) return data ? { [field]: Buffer.from(data, 'base64').toString('utf8') } : {};
  return orNone(`check the file ${file} (${name}): is it there, and readable?`, async () => ({
    [field]: await readFile(file, 'utf8'),
  }));
}

async function orNone<T>(remedy: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = (error instanceof Error ? error.message.trim() || error.name : String(error)).slice(
      0,
      MESSAGE_LENGTH_MAX,
    );
    throw new TransportError('no-credentials', `no credentials: ${reason}`, remedy);
  }
}

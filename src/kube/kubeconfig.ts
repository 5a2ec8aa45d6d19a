import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { load as parseYaml } from 'js-yaml';

/** The API server can't be addressed as configured: nothing to try again, the operator must act. */
export class KubeConfigError extends Error {
  readonly code = 'KUBECONFIG_INVALID';
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'KubeConfigError';
    this.remedy = remedy;
  }
}

export interface KubeConfigSource {
  /** `KUBECONFIG` or `--kubeconfig`: one or more paths. */
  readonly kubeconfig: string | undefined;
  /** Name of the context to take instead of the current one. A pod's service account has none to choose from. */
  readonly context?: string | undefined;
  /** Whether the environment names an API server, as it does in a pod. */
  readonly inCluster: boolean;
  readonly homeDirectory: string;
}

export interface LoadedKubeConfig {
  readonly config: KubeConfig;
  /** URL of the API server. */
  readonly server: string;
  /** Path of the present user's token file, which `KubeConfig` does not read itself; re-read while running. */
  readonly tokenFile: string | null;
  /** The present context's namespace. */
  readonly namespace: string | undefined;
}

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * Finds the configuration: what was named, else the pod's service account, else `~/.kube/config`. Never client-node's last
 * resort, http://localhost:8080.
 *
 * @throws KubeConfigError
 */
export function loadKubeConfig(source: KubeConfigSource): LoadedKubeConfig {
  if (source.kubeconfig !== undefined) {
    return fromFiles(
      source.kubeconfig.split(delimiter).filter((path) => path !== ''),
      source.kubeconfig,
      source.context,
    );
  }
  if (source.inCluster && source.context === undefined && existsSync(TOKEN_FILE)) {
    const config = new KubeConfig();
    config.loadFromCluster();
    const server = serverOf(config, 'of the pod (KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT)');
    const namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim();
    return { config, server, tokenFile: TOKEN_FILE, namespace };
  }
  const usual = join(source.homeDirectory, '.kube', 'config');
  if (existsSync(usual)) return fromFiles([usual], usual, source.context);
  throw new KubeConfigError(
    'no cluster configuration: neither KUBECONFIG, nor a service account of a pod, nor ~/.kube/config',
    source.inCluster
      ? 'mount the service account token (automountServiceAccountToken: true)'
      : 'set KUBECONFIG (or --kubeconfig) to a kubeconfig file; without any cluster, try `leasegate demo`',
  );
}

function fromFiles(paths: readonly string[], named: string, chosen?: string): LoadedKubeConfig {
  const remedy = 'set KUBECONFIG (or --kubeconfig) to a readable kubeconfig with a current context';
  const config = new KubeConfig();
  const tokenFiles = new Map<string, string>();
  try {
    for (const path of paths) {
      const one = new KubeConfig();
      one.loadFromFile(path);
      config.mergeConfig(one, config.currentContext !== undefined);
      for (const [user, file] of tokenFilesOf(path)) tokenFiles.set(user, file);
    }
  } catch (error) {
    throw new KubeConfigError(`kubeconfig ${named}: ${messageOf(error)}`, remedy);
  }
  if (chosen !== undefined) {
    if (config.getContextObject(chosen) === null) {
      const names = config.getContexts().map(({ name }) => name);
      throw new KubeConfigError(
        `kubeconfig ${named}: there is no context ${chosen}`,
        `name one of: ${names.join(', ')}`,
      );
    }
    config.setCurrentContext(chosen);
  }
  const context = config.getContextObject(config.getCurrentContext());
  if (context === null) {
    throw new KubeConfigError(
      `kubeconfig ${named}: current-context ${config.getCurrentContext() ?? '(none)'} is not defined`,
      remedy,
    );
  }
  if (config.getCurrentCluster() === null) {
    throw new KubeConfigError(`kubeconfig ${named}: the context's cluster ${context.cluster} is not defined`, remedy);
  }
  const server = serverOf(config, `of kubeconfig ${named}`);
  const proxy = config.getCurrentCluster()?.proxyUrl;
  if (proxy) {
    const way = 'reach the API server directly, or through a tunnel of your own, and remove proxy-url';
    throw new KubeConfigError(`kubeconfig ${named}: proxy-url ${withoutUserInfo(proxy)} is not supported`, way);
  }
  if (config.getCurrentUser() === null) {
    throw new KubeConfigError(`kubeconfig ${named}: the context's user ${context.user} is not defined`, remedy);
  }
  return { config, server, tokenFile: tokenFiles.get(context.user) ?? null, namespace: context.namespace };
}

/** A URL as it may be shown to anybody: one of a kubeconfig may have a user's name and password in it. */
export function withoutUserInfo(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)?[^/?#]*@/i, '$1');
}

/** @throws KubeConfigError where it is no URL that can be asked */
function serverOf(config: KubeConfig, whose: string): string {
  const server = config.getCurrentCluster()?.server ?? '';
  // `localhost:6443` parses as well: as something of the scheme `localhost`.
  if (['https:', 'http:'].includes(URL.parse(server)?.protocol ?? '')) return server;
  throw new KubeConfigError(
    `the cluster's server ${whose} is no http(s) URL: ${JSON.stringify(withoutUserInfo(server))}`,
    'write it with its scheme, as in https://10.96.0.1:6443',
  );
}

/** `users[].user.tokenFile` by user name: part of the format, but unknown to `KubeConfig`. */
function tokenFilesOf(path: string): [string, string][] {
  const document = parseYaml(readFileSync(path, 'utf8')) as {
    users?: { name?: string; user?: { tokenFile?: string } }[];
  } | null;
  return (document?.users ?? []).flatMap(({ name, user }) => {
    const file = user?.tokenFile;
    return name === undefined || !file ? [] : [[name, isAbsolute(file) ? file : join(dirname(path), file)]];
  });
}

function messageOf(error: unknown): string {
  // The parser adds an excerpt on further lines.
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

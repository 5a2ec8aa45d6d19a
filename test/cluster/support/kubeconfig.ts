import { readFile, writeFile } from 'node:fs/promises';

export interface KubeconfigOptions {
  /** URL of the API server. */
  readonly server: string;
  /** PEM file of the certificate authority; its content is copied into the kubeconfig. */
  readonly caFile: string;
  /** Where to write. */
  readonly path: string;
  readonly token?: string;
  /** A file that clients read the token from, again and again; it may be absent at first. */
  readonly tokenFile?: string;
  /** Namespace of the context; none if omitted. */
  readonly namespace?: string;
}

/**
 * Writes a kubeconfig with one cluster, user and context, readable by its owner only.
 *
 * @returns its path
 */
export async function writeKubeconfig(options: KubeconfigOptions): Promise<string> {
  const certificateAuthority = (await readFile(options.caFile)).toString('base64');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'test', cluster: { server: options.server, 'certificate-authority-data': certificateAuthority } },
    ],
    users: [{ name: 'test', user: { token: options.token, tokenFile: options.tokenFile } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: options.namespace } }],
    'current-context': 'test',
  };
  // JSON is YAML; undefined fields vanish.
  await writeFile(options.path, `${JSON.stringify(kubeconfig, null, 2)}\n`, { mode: 0o600 });
  return options.path;
}

export interface KubeconfigOptions {
  /** E.g. `http://127.0.0.1:8001`. */
  readonly server: string;
  /** @defaultValue 'default' */
  readonly namespace?: string;
  /** Tells clients of one server apart. @defaultValue 'developer' */
  readonly token?: string;
}

/** The text of a kubeconfig with one context, for a server without TLS. */
export function renderKubeconfig(options: KubeconfigOptions): string {
  // A JSON string is a YAML string: no value can break out of its place.
  const quote = (text: string): string => JSON.stringify(text);
  const { server, namespace = 'default', token = 'developer' } = options;
  return `apiVersion: v1
kind: Config
current-context: leasegate
contexts:
- name: leasegate
  context:
    cluster: leasegate
    user: leasegate
    namespace: ${quote(namespace)}
clusters:
- name: leasegate
  cluster:
    server: ${quote(server)}
users:
- name: leasegate
  user:
    token: ${quote(token)}
`;
}

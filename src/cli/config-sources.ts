import { randomBytes } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import type { ConfigSources } from '../config/load.ts';
import { KubeConfigError, type KubeConfigSource, loadKubeConfig } from '../kube/kubeconfig.ts';
import type { CommandContext } from './context.ts';

/** Where the API server's address and credentials are looked for. `kubeContext`: instead of the kubeconfig's current one. */
export function kubeconfigSource(
  kubeconfig: string | undefined,
  { env }: CommandContext,
  kubeContext?: string,
): KubeConfigSource {
  return {
    kubeconfig,
    context: kubeContext,
    inCluster: Boolean(env.KUBERNETES_SERVICE_HOST && env.KUBERNETES_SERVICE_PORT),
    homeDirectory: homedir(),
  };
}

/** Where the options of `leasegate run` come from. Reading the kubeconfig's namespace may throw {@link KubeConfigError}. */
export function configSources(argv: readonly string[], context: CommandContext, kubeContext?: string): ConfigSources {
  return {
    argv,
    env: context.env,
    readFile: context.readFile,
    hostname,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    kubeconfigNamespace: (kubeconfig) => namespaceOf(kubeconfigSource(kubeconfig, context, kubeContext)),
  };
}

/** Undefined where there is no cluster configuration at all; one that is there but can't be used is an error. */
function namespaceOf(source: KubeConfigSource): string | undefined {
  try {
    return loadKubeConfig(source).namespace;
  } catch (error) {
    if (error instanceof KubeConfigError && source.kubeconfig === undefined && source.context === undefined)
      return undefined;
    throw error;
  }
}

import { type ConfigResult, loadConfig } from './load.ts';

/** Enough for an election outside of a pod. */
export const NAMED = { LEASEGATE_LEASE_NAME: 'my-app', LEASEGATE_NAMESPACE: 'web' };

/** Loads the options of `leasegate run` from variables alone, on a machine without a service account or a kubeconfig. */
export function loadFrom(env: Readonly<Record<string, string>>): ConfigResult {
  return loadConfig({
    argv: [],
    env,
    readFile: () => undefined,
    hostname: () => 'host',
    randomHex: (bytes) => 'ab'.repeat(bytes),
    kubeconfigNamespace: () => undefined,
  });
}

/** What is wrong with them, a line for each problem. */
export function problemsIn(result: ConfigResult): string[] {
  return result.ok ? [] : result.problems.map(({ option, message, remedy }) => `${option}: ${message}; ${remedy}`);
}

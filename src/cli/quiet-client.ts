import { KubeClient } from '../kube/client.ts';
import { Credentials } from '../kube/credentials.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import type { LoadedKubeConfig } from '../kube/kubeconfig.ts';
import { systemClock } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { ClientMetrics } from '../ports/metrics.ts';

/** A client for a command that says itself what went wrong, and has nobody to count for. */
export function quietClient(kube: LoadedKubeConfig): {
  readonly client: KubeClient;
  readonly credentials: Credentials;
} {
  const credentials = new Credentials(kube, systemClock, SILENT);
  const transport = new HttpTransport(kube.server, credentials);
  return { client: new KubeClient({ transport, clock: systemClock, metrics: UNCOUNTED, log: SILENT }), credentials };
}

const SILENT: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {} };

/** For requests that no metrics page will tell of. */
export const UNCOUNTED: ClientMetrics = { request() {}, eventDropped() {} };

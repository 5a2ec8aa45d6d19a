import type { ReadingFailure, ServerReading } from '../ports/doctor.ts';
import { error, type Finding, ok, warning } from './finding.ts';
import type { Plan } from './plan.ts';
import { inWords } from './words.ts';

/** The first with native sidecars, which the manifests use. */
const MINOR_MIN = 29;
/** A renewal that takes this part of the deadline leaves too little room for another. */
const SLOW_SHARE = 0.25;

/** Whether the API server can be reached and asked. `tokenExpiresWallMs`: what the token says of itself. */
export function judgeServer(
  reading: ServerReading,
  { server, timings }: Pick<Plan, 'server' | 'timings'>,
  tokenExpiresWallMs: number | null,
): Finding[] {
  const { version, sentWallMs, receivedWallMs, dateWallMs } = reading;
  if (!version.ok) {
    const expiredMs = tokenExpiresWallMs === null ? 0 : (dateWallMs ?? receivedWallMs) - tokenExpiresWallMs;
    return [judgeFailure(version.failure, server, expiredMs)];
  }
  const tookMs = receivedWallMs - sentWallMs;
  const name =
    version.value === null ? 'an API server that keeps its version to itself' : `Kubernetes ${version.value}`;
  const findings: Finding[] = [ok('API_REACHABLE', `${name} at ${server}, answered in ${inWords(tookMs)}`)];
  if (tookMs > timings.renewDeadlineMs * SLOW_SHARE) {
    findings.push(
      warning(
        'API_SLOW',
        `its first answer took ${inWords(tookMs)}, and a leader has ${inWords(timings.renewDeadlineMs)} for a renewal and its repetitions`,
        'set longer timings (LEASEGATE_LEASE_DURATION, LEASEGATE_RENEW_DEADLINE), or find out what is slow between here and there',
      ),
    );
  }
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version.value ?? '') ?? [];
  if (major === '1' && Number(minor) < MINOR_MIN) {
    findings.push(
      warning(
        'API_VERSION_OLD',
        `Kubernetes ${version.value} has no native sidecars`,
        `use Kubernetes 1.${MINOR_MIN} or later, or run Leasegate as an ordinary container, as docs/shutdown.md says`,
      ),
    );
  }
  return findings;
}

/**
 * What is said of a certificate by Node and OpenSSL: in the handshake there is no connection yet, so the code is the network's. The
 * network's own words name a host, which may be called anything.
 */
const ABOUT_CERTIFICATES =
  /^(?!getaddrinfo |connect ).*(?:certificate|self-signed|altname|\bssl\b|\btls\b|unable to verify)/i;

function judgeFailure({ code, message, remedy }: ReadingFailure, server: string, expiredMs: number): Finding {
  const said = `${server}: ${message}`;
  switch (code) {
    case 'unreachable':
      return ABOUT_CERTIFICATES.test(message)
        ? error(
            'API_CERTIFICATE',
            said,
            "check the kubeconfig's certificate-authority and server (in a pod: ca.crt beside the token), and the clock of this machine",
          )
        : error(
            'API_UNREACHABLE',
            said,
            'check the address (in a pod: KUBERNETES_SERVICE_HOST; else the kubeconfig’s server), DNS and network policies',
          );
    case 'timeout':
      return error('API_TIMEOUT', said, 'check network policies and the load of the API server');
    case 'reset':
      return error('API_RESET', said, 'try again; if it stays, see what stands between here and the API server');
    case 'no-credentials':
      return error(
        'API_NO_CREDENTIALS',
        said,
        remedy ?? "check the kubeconfig's user, or the pod's service account token",
      );
    case 'unauthorized':
      return expiredMs > 0
        ? error(
            'API_TOKEN_EXPIRED',
            `${said}: the token expired ${inWords(expiredMs)} ago`,
            'use a fresh token; in a pod let the kubelet mount it (automountServiceAccountToken: true), for it renews it',
          )
        : error(
            'API_UNAUTHORIZED',
            said,
            "the credentials are of another cluster, of a service account or pod that is gone, or mistyped: check the kubeconfig's user, or delete the pod so that it gets a token of its own",
          );
    case 'throttled':
      return error('API_THROTTLED', said, 'the API server is overloaded: try again, and see who asks it so much');
    case 'server-error':
      return error('API_SERVER_ERROR', said, 'look at the API server and its etcd');
    default:
      return error('API_UNEXPECTED', said, 'is this address really a Kubernetes API server? see what answers there');
  }
}

import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { failed, failureOf, HEALTHY, type HealthCheck, type HealthTarget } from './check.ts';

/** A body is read so that the application can end its answer in peace, but not for ever. */
const BODY_BYTES_MAX = 64 * 1024;

/**
 * Well is whoever answers with a status from 200 to 399, as to the kubelet's probes; redirects are not followed. As with those,
 * a certificate is not verified: it is the same pod.
 */
export function httpCheck({ protocol, host, port, path }: HealthTarget): HealthCheck {
  const options: RequestOptions & { rejectUnauthorized?: boolean } = {
    host,
    port,
    path,
    // A connection of its own: one that was kept says nothing of whether the application still accepts any.
    agent: false,
    headers: { Accept: '*/*', 'User-Agent': 'leasegate-health', Connection: 'close' },
    ...(protocol === 'https' && { rejectUnauthorized: false }),
  };
  const send: (options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest =
    protocol === 'https' ? secureRequest : request;
  return (signal) =>
    new Promise((resolve) => {
      const outgoing = send({ ...options, signal }, (response) => {
        const { statusCode: status = 0 } = response;
        resolve(status >= 200 && status < 400 ? HEALTHY : failed('bad-status', String(status)));
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > BODY_BYTES_MAX) response.destroy();
        });
        // The verdict stands: whatever happens to the rest of the answer.
        response.on('error', () => {});
      });
      outgoing.on('error', (error) => resolve(failureOf(error)));
      outgoing.end();
    });
}

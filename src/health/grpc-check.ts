import { type ClientHttp2Stream, connect } from 'node:http2';
import { type CheckResult, failed, failureOf, HEALTHY, type HealthCheck, type HealthTarget } from './check.ts';
import { checkRequest, servingStatus } from './grpc-message.ts';

/** A status is two bytes and a header of five. */
const ANSWER_BYTES_MAX = 1024;

/**
 * Well is whoever answers SERVING to `grpc.health.v1.Health/Check`, in clear text as to the kubelet's probes. Spoken by hand: the
 * protocol is one request with one small message, and a gRPC library would take more memory than all else here.
 */
export function grpcCheck({ host, port, path: service }: HealthTarget): HealthCheck {
  const authority = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const message = checkRequest(service);
  return (signal) =>
    new Promise((resolve) => {
      const session = connect(authority);
      const end = (result: CheckResult) => {
        resolve(result);
        signal.removeEventListener('abort', abort);
        session.destroy();
      };
      const abort = () => end(failed('timeout', 'no answer'));
      signal.addEventListener('abort', abort);
      session.on('error', (error) => end(failureOf(error)));
      session.on('close', () => end(failed('reset', 'connection closed')));
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': 'leasegate-health',
      });
      // A request that ends with its connection names the reason beside.
      stream.on('error', (error) => end(failureOf(error.cause ?? error)));
      void answerOf(stream).then(end);
      stream.end(message);
    });
}

async function answerOf(stream: ClientHttp2Stream): Promise<CheckResult> {
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  let httpStatus = 0;
  let grpcStatus: string | undefined;
  let grpcMessage = '';
  const chunks: Buffer[] = [];
  let bytes = 0;
  // An answer without a message has its status in its only headers, others in the trailers.
  const note = (headers: Readonly<Record<string, unknown>>) => {
    if (headers['grpc-status'] !== undefined) grpcStatus = String(headers['grpc-status']);
    if (headers['grpc-message'] !== undefined) grpcMessage = String(headers['grpc-message']).slice(0, 100);
  };
  stream.on('response', (headers) => {
    httpStatus = Number(headers[':status'] ?? 0);
    note(headers);
  });
  stream.on('trailers', note);
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) resolve(failed('invalid-answer', 'too long'));
    else chunks.push(chunk);
  });
  stream.on('end', () => {
    if (httpStatus !== 200) return resolve(failed('invalid-answer', `HTTP status ${httpStatus}`));
    if (grpcStatus !== '0') {
      return resolve(failed('not-serving', `grpc-status ${grpcStatus ?? 'missing'} ${grpcMessage}`.trimEnd()));
    }
    const status = servingStatus(Buffer.concat(chunks));
    if (status === null) return resolve(failed('invalid-answer', 'no HealthCheckResponse'));
    resolve(status === 'SERVING' ? HEALTHY : failed('not-serving', status));
  });
  return promise;
}

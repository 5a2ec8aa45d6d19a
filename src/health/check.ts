/** Where the application says whether it is well. */
export interface HealthTarget {
  readonly protocol: 'http' | 'https' | 'tcp' | 'grpc';
  readonly host: string;
  readonly port: number;
  /** `http`, `https`: path and query. `grpc`: the service, empty for the server as a whole. */
  readonly path: string;
}

/**
 * Why a check failed. `refused`: nothing listens there. `reset`: the connection broke. `unreachable`: there was none for another
 * reason. `timeout`: no answer in time. `bad-status`: an HTTP status below 200 or from 400 on. `not-serving`: what gRPC calls so.
 * `invalid-answer`: it speaks another protocol.
 */
export type CheckFailure =
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'timeout'
  | 'bad-status'
  | 'not-serving'
  | 'invalid-answer';

export type CheckResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: CheckFailure /** For people: a status, an error. */; readonly detail: string };

/** One question to the application, over a connection of its own. Ends soon after the signal, and never rejects. */
export type HealthCheck = (signal: AbortSignal) => Promise<CheckResult>;

export const HEALTHY: CheckResult = { ok: true };

export function failed(why: CheckFailure, detail: string): CheckResult {
  return { ok: false, why, detail };
}

/** What an error of a connection, or of what parses its answer, says of the application. */
export function failureOf(error: unknown): CheckResult {
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  const detail = code || message;
  if (code === 'ECONNREFUSED') return failed('refused', detail);
  if (code === 'ECONNRESET' || code === 'EPIPE') return failed('reset', detail);
  if (code === 'ABORT_ERR') return failed('timeout', detail);
  if (/^(HPE_|ERR_|EPROTO)/.test(code)) return failed('invalid-answer', detail);
  return failed('unreachable', detail);
}

/** The check for a target. What few use is loaded when it is asked for. */
export async function createCheck(target: HealthTarget): Promise<HealthCheck> {
  switch (target.protocol) {
    case 'http':
    case 'https':
      return (await import('./http-check.ts')).httpCheck(target);
    case 'tcp':
      return (await import('./tcp-check.ts')).tcpCheck(target);
    case 'grpc':
      return (await import('./grpc-check.ts')).grpcCheck(target);
  }
}

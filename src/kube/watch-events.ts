import { type Failure, failureOf, failureOfError } from './errors.ts';
import { type KubeReply, TransportError } from './transport.ts';

/** What one line of a watch says. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** Null for a line that no API server writes. */
export function parseWatchEvent(line: string): WatchEvent | null {
  try {
    const event = JSON.parse(line) as Partial<WatchEvent> | null;
    return typeof event?.type === 'string' && 'object' in event ? (event as WatchEvent) : null;
  } catch {
    return null;
  }
}

/** Names what an ERROR event carries: the `Status` that a request would have been answered with. */
export function failureOfEvent(status: unknown): Failure {
  const code = (status as { code?: unknown } | null)?.code;
  return failureOf({ status: typeof code === 'number' ? code : 500, body: status, retryAfterMs: null }, null);
}

/** Names why a watch did not open, or broke. */
export function failureOfEnd(end: KubeReply | TransportError): Failure {
  return end instanceof TransportError ? failureOfError(end) : failureOf(end, null);
}

import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Timers } from '../../ports/clock.ts';
import type { GatewayOutcome } from '../../ports/gateway-metrics.ts';
import type { LeaderPlace } from '../gate.ts';
import type { FailureKind } from './failure.ts';
import { REFUSED_HEADER, REFUSED_NOT_LEADER } from './headers.ts';

/** Every answer that the gateway gives by itself. Codes are stable; messages are for people, and name no addresses. */
export const GATEWAY_ERRORS = {
  GATEWAY_BAD_REQUEST: [400, 'This is no request that can be passed on.'],
  GATEWAY_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
  GATEWAY_EXPECTATION_FAILED: [417, 'Nothing can be expected here but 100-continue.'],
  GATEWAY_HEADERS_TOO_LARGE: [431, 'The head of the request is too large.'],
  GATEWAY_UPSTREAM_UNREACHABLE: [502, 'The application does not accept connections.'],
  GATEWAY_UPSTREAM_RESET: [502, 'The application closed the connection without an answer.'],
  GATEWAY_UPSTREAM_INVALID: [502, 'What the application answered is no valid HTTP.'],
  GATEWAY_NOT_LEADER: [503, 'This replica does not lead.'],
  GATEWAY_NO_LEADER: [503, 'No replica that leads could be reached in time.'],
  GATEWAY_CONNECT_TIMEOUT: [504, 'The application did not accept a connection in time.'],
  GATEWAY_RESPONSE_TIMEOUT: [504, 'The application did not answer in time.'],
  GATEWAY_LOOP: [508, 'The request came back to the gateway that had sent it to its application.'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type GatewayErrorCode = keyof typeof GATEWAY_ERRORS;

/** What is told to the client of an application, or a leader, that gave no whole answer. */
export const ERROR_OF_FAILURE: Readonly<Record<Exclude<FailureKind, 'aborted'>, GatewayErrorCode>> = {
  unreachable: 'GATEWAY_UPSTREAM_UNREACHABLE',
  reset: 'GATEWAY_UPSTREAM_RESET',
  invalid: 'GATEWAY_UPSTREAM_INVALID',
  unsendable: 'GATEWAY_BAD_REQUEST',
  'connect-timeout': 'GATEWAY_CONNECT_TIMEOUT',
  'response-timeout': 'GATEWAY_RESPONSE_TIMEOUT',
};

/** As what it is counted. */
export function outcomeOf(code: GatewayErrorCode): GatewayOutcome {
  switch (code) {
    case 'GATEWAY_BAD_REQUEST':
    case 'GATEWAY_REQUEST_TIMEOUT':
    case 'GATEWAY_EXPECTATION_FAILED':
    case 'GATEWAY_HEADERS_TOO_LARGE':
    case 'GATEWAY_LOOP':
      return 'invalid';
    case 'GATEWAY_UPSTREAM_UNREACHABLE':
      return 'upstream-refused';
    case 'GATEWAY_UPSTREAM_RESET':
      return 'upstream-reset';
    case 'GATEWAY_UPSTREAM_INVALID':
      return 'upstream-invalid';
    case 'GATEWAY_NOT_LEADER':
      return 'refused';
    case 'GATEWAY_NO_LEADER':
      return 'no-leader';
    case 'GATEWAY_CONNECT_TIMEOUT':
    case 'GATEWAY_RESPONSE_TIMEOUT':
      return 'upstream-timeout';
  }
}

export interface ReplyOptions {
  /** More than the code says. */
  readonly detail?: string;
  /** Told to the client of a standby. */
  readonly leader?: LeaderPlace | null;
  /** Said by a peer listener, whose client goes elsewhere with it. */
  readonly fromPeer?: boolean;
  readonly timers: Timers;
}

/** Seconds after which a client may as well ask again: a hand-over takes less. */
const RETRY_AFTER_SECONDS = 1;
/** How long a body that nobody wants is read, so that its sender gets to read the answer. */
const LINGER_MS = 1_000;

/**
 * Answers in the gateway's own name, with the shape that the local API's errors have. The connection is closed: whoever asked the
 * wrong replica should find another one, and a body that is not wanted need not come.
 */
export function replyError(
  req: IncomingMessage,
  res: ServerResponse,
  code: GatewayErrorCode,
  options: ReplyOptions,
): void {
  const { detail, leader, fromPeer = false, timers } = options;
  const [status] = GATEWAY_ERRORS[code];
  const json = errorJson(code, detail, leader);
  const headers: OutgoingHttpHeaders = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(json),
    'Cache-Control': 'no-store',
  };
  if (status === 503) headers['Retry-After'] = RETRY_AFTER_SECONDS;
  if (fromPeer) headers[REFUSED_HEADER] = REFUSED_NOT_LEADER;
  else headers.Connection = 'close';
  // Said here, since a response keeps the phrase of an earlier try.
  res.writeHead(status, STATUS_CODES[status], headers);
  if (req.complete || req.destroyed || req.method === 'HEAD') {
    res.end(json);
    return;
  }
  // Closed now, with data unread, the connection would be reset, and the answer perhaps lost.
  res.write(json);
  const end = () => {
    limit.cancel();
    res.end();
  };
  const limit = timers.after(LINGER_MS, end);
  req.once('end', end).once('close', end);
  req.resume();
}

/** The same for what was no request to node:http: written on the socket, which is closed. */
export function rawError(socket: Socket, code: GatewayErrorCode, detail?: string): void {
  const [status] = GATEWAY_ERRORS[code];
  const json = errorJson(code, detail);
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(json)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + json);
}

function errorJson(code: GatewayErrorCode, detail?: string, leader?: LeaderPlace | null): string {
  const [, sentence] = GATEWAY_ERRORS[code];
  const message = detail === undefined ? sentence : `${sentence} ${detail}`;
  return JSON.stringify({ error: { code, message }, ...(leader !== undefined && { leader }) });
}

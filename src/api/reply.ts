import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { API_ERRORS, type ApiError } from './errors.ts';

/** Answers with JSON text. A HEAD request gets the same headers; node:http leaves the body out. */
export function replyJson(res: ServerResponse, status: number, json: string, headers?: OutgoingHttpHeaders): void {
  replyText(res, status, 'application/json; charset=utf-8', json, headers);
}

/** Answers with text. Nothing here may be stored: each answer is true for the moment of its question. */
export function replyText(
  res: ServerResponse,
  status: number,
  contentType: string,
  text: string,
  headers?: OutgoingHttpHeaders,
): void {
  const head: OutgoingHttpHeaders = {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  };
  res.writeHead(status, headers === undefined ? head : Object.assign(head, headers));
  res.end(text);
}

/** Answers `{"error":{"code","message"}}`. A body that nobody will read is not waited for: the connection is closed. */
export function replyError(
  req: IncomingMessage,
  res: ServerResponse,
  { code, message }: ApiError,
  headers?: OutgoingHttpHeaders,
): void {
  const unread = announcesBody(req) && !req.readableEnded;
  replyJson(res, API_ERRORS[code], JSON.stringify({ error: { code, message } }), {
    ...headers,
    ...(unread && { Connection: 'close' }),
  });
}

export function replyMethodNotAllowed(req: IncomingMessage, res: ServerResponse, allow: string): void {
  const message = `${req.method} is not possible here; use ${allow}.`;
  replyError(req, res, { code: 'METHOD_NOT_ALLOWED', message }, { Allow: allow });
}

export function replyNotFound(req: IncomingMessage, res: ServerResponse): void {
  replyError(req, res, {
    code: 'NOT_FOUND',
    message: 'There is nothing here. Paths are exact, without a final slash.',
  });
}

/** For the listener that others reach: the same 404, but it tells whoever took the wrong port which one to take. */
export function replyLocalOnly(req: IncomingMessage, res: ServerResponse): void {
  const message = 'This listener does not serve it: only the local one does, inside the pod (LEASEGATE_API_LISTEN).';
  replyError(req, res, { code: 'NOT_FOUND', message });
}

/** Whether the request's head says that a body follows. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Timer, Timers } from '../../ports/clock.ts';
import type { Attempt, Controller } from './attempt.ts';
import { connect } from './connect.ts';
import { trailers } from './headers.ts';

export interface NodeRequest {
  readonly method: string;
  readonly path: string;
  /** Flat: `[name, value, ...]`. */
  readonly headers: string[];
  /** The protocol to change to, as the client names it; null for none. */
  readonly upgrade: string | null;
  /** The client's request, for its trailers. */
  readonly req: IncomingMessage;
}

/**
 * Sends what undici can't, or only at a higher price, over a connection of its own: a change of protocols (a tunnel takes two
 * thirds of the memory), trailers, and `OPTIONS *`.
 */
export function sendByNode(what: NodeRequest, attempt: Attempt, timers: Timers): void {
  const { place, responseTimeoutMs } = attempt.upstream;
  let answer: IncomingMessage | null = null;
  let limit: Timer | null = null;
  const controller: Controller = {
    abort: () => socket.destroy(),
    pause: () => answer?.pause(),
    resume: () => answer?.resume(),
  };
  const fail = (error: Error) => {
    limit?.cancel();
    socket.destroy();
    attempt.onResponseError(controller, error);
  };
  const socket = connect({ ...place, allowHalfOpen: true }, timers, (error) => {
    if (error !== null) return attempt.onResponseError(controller, error);
    attempt.onRequestStart(controller);
    if (socket.destroyed) return;
    try {
      send();
    } catch (error) {
      fail(error as Error);
    }
  });

  function send(): void {
    const { method, path, upgrade } = what;
    const headers = [
      ...what.headers,
      ...(upgrade === null ? ['Connection', 'close'] : ['Connection', 'Upgrade', 'Upgrade', upgrade]),
    ];
    if (attempt.chunks !== null && !headers.some((name, index) => index % 2 === 0 && /^content-length$/i.test(name))) {
      headers.push('Transfer-Encoding', 'chunked');
    }
    const outgoing = request({ ...place, method, path, headers, setHost: false, createConnection: () => socket });
    limit = timers.after(responseTimeoutMs, () => fail(new ResponseTimeout()));
    outgoing.once('error', fail);
    outgoing.on('information', ({ statusCode, headers }) => attempt.onResponseStart(controller, statusCode, headers));
    outgoing.once('upgrade', (res, _socket, head) => {
      limit?.cancel();
      outgoing.off('error', fail);
      if (upgrade === null) fail(Object.assign(new Error('nobody asked to change protocols'), { code: 'HPE_UPGRADE' }));
      else attempt.onUpgrade(res.statusCode ?? 101, res.statusMessage ?? '', res.headers, socket, head);
    });
    outgoing.once('response', (res) => {
      limit?.cancel();
      answer = res;
      res.once('error', fail);
      attempt.onResponseStart(controller, res.statusCode ?? 502, res.headersDistinct as never, res.statusMessage);
      res.on('data', (chunk: Buffer) => attempt.onResponseData(controller, chunk));
      res.once('end', () => attempt.onResponseEnd(controller, res.trailersDistinct as never));
    });
    void sendBody(outgoing, what.req, attempt).catch(fail);
  }
}

async function sendBody(outgoing: ClientRequest, req: IncomingMessage, attempt: Attempt): Promise<void> {
  if (attempt.chunks !== null) {
    for await (const chunk of attempt.chunks) {
      if (!outgoing.write(chunk) && !outgoing.destroyed) await drained(outgoing);
    }
    const fields = trailers(req.trailersDistinct);
    if (fields.length > 0) outgoing.addTrailers(fields);
  }
  outgoing.end();
}

/** Resolves when it takes more, or is gone. */
function drained(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      outgoing.off('drain', over).off('close', over);
      resolve();
    };
    outgoing.on('drain', over).on('close', over);
  });
}

class ResponseTimeout extends Error {
  readonly code = 'RESPONSE_TIMEOUT';
}

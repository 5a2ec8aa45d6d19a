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
  // What comes behind a whole answer is no part of it.
  const broke = (error: Error) => {
    if (answer?.complete !== true) fail(error);
  };
  /** For listeners: what the application says may be impossible to pass on, and nobody else catches what they throw. */
  const failing =
    <Said extends unknown[]>(listener: (...said: Said) => void) =>
    (...said: Said) => {
      try {
        listener(...said);
      } catch (error) {
        fail(error as Error);
      }
    };
  const socket = connect({ ...place, allowHalfOpen: true }, timers, (error) => {
    if (error !== null) return attempt.onResponseError(controller, error);
    attempt.onRequestStart(controller);
    if (!socket.destroyed) failing(send)();
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
    outgoing.on('error', broke);
    outgoing.on(
      'information',
      failing(({ statusCode, headers }) => attempt.onResponseStart(controller, statusCode, headers)),
    );
    outgoing.once(
      'upgrade',
      failing((res, _socket, head) => {
        limit?.cancel();
        outgoing.off('error', broke);
        if (upgrade === null) throw new UpgradeUnasked();
        attempt.onUpgrade(res.statusCode ?? 101, res.statusMessage ?? '', res.headers, socket, head);
      }),
    );
    outgoing.once(
      'response',
      failing((res) => {
        limit?.cancel();
        answer = res;
        res.on('error', broke);
        attempt.onResponseStart(controller, res.statusCode ?? 502, res.headersDistinct as never, res.statusMessage);
        res.on(
          'data',
          failing((chunk: Buffer) => attempt.onResponseData(controller, chunk)),
        );
        res.once(
          'end',
          failing(() => attempt.onResponseEnd(controller, res.trailersDistinct as never)),
        );
      }),
    );
    void sendBody(outgoing, what.req, attempt).catch(broke);
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

class UpgradeUnasked extends Error {
  readonly code = 'HPE_UPGRADE';
}

class ResponseTimeout extends Error {
  readonly code = 'RESPONSE_TIMEOUT';
}

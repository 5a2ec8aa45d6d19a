import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { isLoopbackHost } from './guard.ts';
import { LIMITS } from './limits.ts';

/** By request line (`GET /leader HTTP/1.1`): the JSON of a 200, evaluated at the question. */
export type QuickAnswers = ReadonlyMap<string, () => string>;

/** A request's head after its first line: a host, and nothing else that could change the answer or what follows it. */
const PLAIN_HEAD =
  /^\r\nhost: ([^\r\n]*)\r\n(?:(?:user-agent|accept|accept-encoding|accept-language|sec-fetch-mode): [\t\x20-\x7e]*\r\n|connection: keep-alive\r\n)*\r\n$/i;
const PLAIN_REQUEST_BYTES_MAX = 1024;

/**
 * Answers the question that is asked most without node:http's request and response objects, at half of their CPU time. Only a
 * request that arrives alone, whole and plain is answered here, byte for byte as node:http would; at the first other one the
 * connection is left to `server` for good. So everything that is hard in HTTP (bodies, pipelining, odd heads) stays there.
 *
 * @returns the way to end the connections that are still answered here; none of them has an answer under way.
 */
export function answerQuickly(server: Server, answers: QuickAnswers): () => void {
  const [serve] = server.listeners('connection') as ((socket: Socket) => void)[];
  if (serve === undefined) throw new Error('node:http does not listen for connections of its own server');
  server.removeAllListeners('connection');
  const sockets = new Set<Socket>();

  server.on('connection', (socket: Socket) => {
    // A client repeats itself: what has been looked at once need not be looked at again.
    let known: { readonly request: Buffer; readonly answer: () => string } | null = null;
    const recognise = (chunk: Buffer) => {
      if (known?.request.equals(chunk)) return known.answer;
      const answer = find(answers, chunk);
      if (answer === undefined) return undefined;
      if (known === null) socket.setTimeout(LIMITS.keepAliveTimeoutMs);
      // A copy: the chunk is part of a much larger buffer.
      known = { request: Buffer.from(chunk), answer };
      return answer;
    };
    const listeners = {
      data: (chunk: Buffer) => {
        const text = evaluate(recognise(chunk));
        if (text === undefined) leave(chunk);
        // A reader that does not read: node:http stops reading from it in turn.
        else if (!socket.write(text)) leave();
      },
      timeout: () => socket.destroy(),
      end: () => socket.end(),
      // `close` follows and does the work.
      error: () => {},
      close: () => void sockets.delete(socket),
    };
    const leave = (unread?: Buffer) => {
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener);
      sockets.delete(socket);
      socket.setTimeout(0);
      if (unread !== undefined) socket.unshift(unread);
      serve.call(server, socket);
    };
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener);
    socket.setTimeout(LIMITS.headersTimeoutMs);
    sockets.add(socket);
  });

  return () => {
    for (const socket of sockets) socket.destroySoon();
  };
}

function find(answers: QuickAnswers, chunk: Buffer): (() => string) | undefined {
  if (chunk.length > PLAIN_REQUEST_BYTES_MAX) return undefined;
  const text = chunk.toString('latin1');
  const lineEnd = text.indexOf('\r\n');
  const answer = answers.get(text.slice(0, Math.max(0, lineEnd)));
  if (answer === undefined) return undefined;
  const host = PLAIN_HEAD.exec(text.slice(lineEnd))?.[1];
  return host !== undefined && isLoopbackHost(host) ? answer : undefined;
}

/** What fails here fails again behind node:http, where it is reported. */
function evaluate(answer: (() => string) | undefined): string | undefined {
  try {
    return answer && format(answer());
  } catch {
    return undefined;
  }
}

function format(json: string): string {
  return (
    `HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(json)}\r\n` +
    `Cache-Control: no-store\r\nDate: ${httpDate(Date.now())}\r\nConnection: keep-alive\r\n${KEEP_ALIVE}\r\n\r\n${json}`
  );
}

const KEEP_ALIVE = `Keep-Alive: timeout=${LIMITS.keepAliveTimeoutMs / 1_000}`;

let date = { second: 0, text: '' };

/** Made once a second: as costly as the rest of the answer. */
function httpDate(nowMs: number): string {
  const second = Math.floor(nowMs / 1_000);
  if (second !== date.second) date = { second, text: new Date(nowMs).toUTCString() };
  return date.text;
}

import type { Socket } from 'node:net';
import type { GatewayResponse } from './response.ts';

/** How many requests may wait on one connection. Who sends more without reading answers is no client. */
const WAITING_MAX = 100;

/**
 * Requests that a client sends before it has the answers of earlier ones: each begins when it is its turn. Begun at once, they
 * would evade the limit on connections, and reach the application in any order (RFC 9112 section 9.3.2).
 */
export class Pipeline {
  readonly #waiting = new WeakMap<Socket, number>();
  readonly #ending = new WeakSet<Socket>();

  /** Calls `begin` when the response's turn comes; never when its connection ends before. */
  wait(socket: Socket, response: GatewayResponse, begin: () => void): void {
    const waiting = (this.#waiting.get(socket) ?? 0) + 1;
    if (waiting > WAITING_MAX) {
      socket.resetAndDestroy();
      return;
    }
    this.#waiting.set(socket, waiting);
    response.onTurn = () => {
      this.#waiting.set(socket, this.#waiting.get(socket)! - 1);
      if (this.#ending.has(socket)) socket.destroySoon();
      else begin();
    };
  }

  /** Ends a connection after the answer under way; what waits behind it never begins. */
  endAfter(response: GatewayResponse, socket: Socket): void {
    if (this.#ending.has(socket)) return;
    this.#ending.add(socket);
    if (!response.headersSent) response.shouldKeepAlive = false;
    response.once('close', () => socket.destroySoon());
  }
}

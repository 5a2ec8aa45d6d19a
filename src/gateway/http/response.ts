import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Exchange } from './exchange.ts';

/** node:http's response, which knows whose it is: listeners need no closures. */
export class GatewayResponse extends ServerResponse {
  exchange: Exchange | null = null;
  /** Called when all requests before it on its connection have been answered; never when the connection ends before. */
  onTurn: ((socket: Socket) => void) | null = null;

  override assignSocket(socket: Socket): void {
    super.assignSocket(socket);
    this.onTurn?.(socket);
  }
}

/** The response whose turn it is on a connection. */
export function responseUnderWay(socket: Socket): GatewayResponse | undefined {
  return (socket as Socket & { _httpMessage?: GatewayResponse | null })._httpMessage ?? undefined;
}

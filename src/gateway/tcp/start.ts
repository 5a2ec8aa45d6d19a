import type { AddressInfo, Server, Socket } from 'node:net';
import { ListenError } from '../../ports/listen-error.ts';
import type { ListenChoice, Place, ProtocolOptions, ProtocolServer } from '../protocol.ts';
import { createTcpPeerServer, createTcpServer } from './server.ts';

export interface TcpGatewayOptions extends ProtocolOptions {
  /** Whether the application is told of the client by the PROXY protocol, version 2. */
  readonly proxyProtocol: boolean;
}

/** Starts the TCP gateway. Rejects with a {@link ListenError} when one of its addresses can't be listened on. */
export async function startTcp(options: TcpGatewayOptions): Promise<ProtocolServer> {
  const clients = new TcpListener(createTcpServer(options));
  const peers = options.peerListen === null ? null : new TcpListener(createTcpPeerServer(options));
  const listen = await clients.listen(options.listen);
  let peerListen: Place | null = null;
  try {
    if (peers !== null && options.peerListen !== null) peerListen = await peers.listen(options.peerListen);
  } catch (error) {
    await clients.close(0, options);
    throw error;
  }
  return {
    listen,
    peerListen,
    // A connection is served or refused from its first moment: none only waits.
    closeIdle: () => {},
    retire: () => {},
    close: async (graceMs) => {
      await Promise.all([clients.close(graceMs, options), peers?.close(graceMs, options)]);
    },
  };
}

class TcpListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  listen({ option, host, port }: ListenChoice): Promise<Place> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(new ListenError({ option, host, port }, error)));
      server.listen({ port, backlog: BACKLOG, ...(host !== '' && { host }) }, () => {
        server.removeAllListeners('error');
        server.on('error', () => {});
        const { address, port: taken } = server.address() as AddressInfo;
        resolve({ host: address, port: taken });
      });
    });
  }

  close(graceMs: number, { timers }: Pick<ProtocolOptions, 'timers'>): Promise<void> {
    return new Promise((resolve) => {
      const deadline = timers.after(graceMs, () => {
        for (const socket of this.#sockets) socket.resetAndDestroy();
      });
      this.#server.close(() => {
        deadline.cancel();
        resolve();
      });
    });
  }
}

/** As many as may wait while thousands connect at a time, after a fail-over say. */
const BACKLOG = 4_096;

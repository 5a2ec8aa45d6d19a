import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP relay in front of the API server, to cut off who goes through it without harm to anybody else. Its bytes are TLS:
 * it can't look inside.
 */
export class Relay {
  readonly url: string;
  /** Connections that it accepted so far. */
  accepted = 0;
  readonly #port: number;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #silent = false;
  #delayMs: () => number = () => 0;
  readonly #dead = new WeakSet<Socket>();

  /** @param target - port of the API server on 127.0.0.1 */
  static async open(target: number): Promise<Relay> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, target);
  }

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.#port = (server.address() as AddressInfo).port;
    this.url = `https://127.0.0.1:${this.#port}`;
    server.on('connection', (socket) => this.#join(socket));
  }

  /** From now on connections are refused, and those that exist are reset. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  /** From now on connections stay open and new ones are accepted, but nothing gets through any more. */
  goSilent(): void {
    this.#silent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /**
   * The connections of this moment never carry anything again, and nobody is told; new ones do. So it is when a machine
   * between forgets them.
   */
  forgetConnections(): void {
    for (const socket of this.#sockets) this.#dead.add(socket.pause());
  }

  /** Resets the connections of this moment; new ones are served. */
  resetConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on every piece of data takes this long, in each direction; pieces of one connection keep their order. */
  delay(delayMs: () => number): void {
    this.#delayMs = delayMs;
  }

  /** Lets everything through again, and at once. Connections from the silence are reset: their bytes are lost. */
  async mend(): Promise<void> {
    this.#delayMs = () => 0;
    for (const socket of this.#sockets) if (this.#silent) socket.resetAndDestroy();
    this.#silent = false;
    if (this.#server.listening) return;
    this.#server = createServer((socket) => this.#join(socket)).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket): void {
    this.accepted += 1;
    const upstream = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(from);
      let dueMs = 0;
      from.on('data', (chunk) => {
        if (this.#silent || this.#dead.has(from)) return;
        const now = performance.now();
        dueMs = Math.max(dueMs, now + this.#delayMs());
        if (dueMs <= now) to.write(chunk);
        else setTimeout(() => this.#pass(to, chunk), dueMs - now);
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#silent) from.pause();
    }
  }

  /** After a delay: the connection may have been closed, cut or forgotten meanwhile. */
  #pass(to: Socket, chunk: string | Uint8Array): void {
    if (!this.#silent && !this.#dead.has(to) && to.writable) to.write(chunk);
  }
}

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { hostOf } from './network.ts';

/** What a pod is there for: it knows nothing of leadership, and answers each request with its pod's name. */
export class Application {
  readonly #server: Server;

  static async start(pod: string, ip: string, port: number): Promise<Application> {
    const server = createServer((_, response) => response.end(pod));
    server.listen(port, hostOf(ip));
    await once(server, 'listening');
    return new Application(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Ends it; gracefully, what it has begun to answer is answered. */
  async close(how: 'gracefully' | 'at-once'): Promise<void> {
    const closed = once(this.#server, 'close');
    if (!this.#server.listening) return;
    this.#server.close();
    if (how === 'gracefully') this.#server.closeIdleConnections();
    else this.#server.closeAllConnections();
    await closed;
  }
}

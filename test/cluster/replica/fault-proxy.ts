import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ControlPlane } from '../support/control-plane.ts';
import type { Pki } from '../support/pki.ts';

/** What happens to one request instead of being served. */
export type Fault =
  /** Answered here; the API server never sees it. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string> }
  /** Never answered, and never passed on. */
  | { readonly kind: 'hang' }
  /** Passed on, and done; but the answer is lost with its connection. */
  | { readonly kind: 'lose-answer' };

export interface FaultProxyOptions {
  readonly controlPlane: ControlPlane;
  /** Whose serving certificate it shows. */
  readonly pki: Pki;
}

/** A proxy that ends TLS in front of the API server, and answers some requests in its own way. */
export class FaultProxy {
  /** Says what is to happen to a request; null serves it. */
  fault: (method: string, path: string, headers: IncomingHttpHeaders) => Fault | null = () => null;
  /** Every request, in order. */
  readonly seen: { readonly atMs: number; readonly method: string; readonly path: string }[] = [];
  readonly url: string;
  readonly #server: Server;
  readonly #ca: Buffer;
  readonly #target: string;

  static async open({ controlPlane, pki }: FaultProxyOptions): Promise<FaultProxy> {
    const server = createServer(await certificateOf(pki)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, await readFile(controlPlane.caFile), controlPlane.url);
  }

  private constructor(server: Server, ca: Buffer, target: string) {
    this.#server = server;
    this.#ca = ca;
    this.#target = target;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (incoming, outgoing) => this.#serve(incoming, outgoing));
  }

  /** Shows another certificate from now on, and cuts all connections made under the old one. */
  async rotate(pki: Pki): Promise<void> {
    this.#server.setSecureContext(await certificateOf(pki));
    this.#server.closeAllConnections();
  }

  /** Resets all connections, watches with them; new ones are accepted. */
  resetConnections(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const method = incoming.method ?? '';
    const path = incoming.url ?? '';
    this.seen.push({ atMs: performance.now(), method, path });
    const fault = this.fault(method, path, incoming.headers);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'answer') {
      incoming.resume();
      outgoing.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers });
      outgoing.end(JSON.stringify({ kind: 'Status', status: 'Failure', code: fault.status, message: 'injected' }));
      return;
    }
    const upstream = request(
      new URL(path, this.#target),
      { method, ca: this.#ca, headers: incoming.headers },
      (answer) => {
        if (fault?.kind === 'lose-answer') {
          answer.resume();
          outgoing.destroy();
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
      },
    );
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }
}

async function certificateOf(pki: Pki): Promise<{ key: Buffer; cert: Buffer }> {
  return { key: await readFile(pki.servingKeyFile), cert: await readFile(pki.servingCertificateFile) };
}

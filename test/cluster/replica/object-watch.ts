import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import type { ControlPlane } from '../support/control-plane.ts';
import { monoMs } from './clock.ts';

/** One change, as the API server told of it. */
export interface ObjectEvent<T> {
  /** When this process learnt of it: a little later than it was so. */
  readonly atMs: number;
  /** Of the write: all objects of a control plane are counted by one revision, so that their writes have an order. */
  readonly revision: number;
  readonly gone: boolean;
  readonly object: T;
}

export interface ApiObject {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

/** An uninvolved witness of objects: what is there at first, and each change after. */
export class ObjectWatch<T extends ApiObject> {
  readonly #request: ClientRequest;
  #closing = false;
  /** Why it may have missed something. */
  broken: string | null = null;

  /**
   * Resolves once the API server tells of changes.
   *
   * @param collection - path, with a selector if need be, e.g. `/api/v1/namespaces/a/pods?labelSelector=app%3Da`
   */
  static async open<T extends ApiObject>(
    controlPlane: ControlPlane,
    collection: string,
    onEvent: (event: ObjectEvent<T>) => void,
  ): Promise<ObjectWatch<T>> {
    const url = new URL(collection, controlPlane.url);
    url.searchParams.set('watch', '1');
    const outgoing = request(url, {
      ca: await readFile(controlPlane.caFile),
      headers: { Authorization: `Bearer ${controlPlane.adminToken}`, Accept: 'application/json' },
      agent: false,
    });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`watching ${url} is answered with ${response.statusCode}`);
    return new ObjectWatch(outgoing, response, onEvent);
  }

  private constructor(outgoing: ClientRequest, response: IncomingMessage, onEvent: (event: ObjectEvent<T>) => void) {
    this.#request = outgoing;
    outgoing.on('error', (error) => this.#end(String(error)));
    const lines = createInterface({ input: response });
    lines.on('line', (line) => {
      const { type, object } = JSON.parse(line) as { type: string; object: T };
      if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return this.#end(line);
      onEvent({
        atMs: monoMs(),
        revision: Number(object.metadata.resourceVersion),
        gone: type === 'DELETED',
        object,
      });
    });
    lines.on('error', (error) => this.#end(String(error)));
    lines.on('close', () => this.#end('the watch ended'));
  }

  close(): void {
    this.#closing = true;
    this.#request.destroy();
  }

  #end(why: string): void {
    if (!this.#closing) this.broken ??= why;
  }
}

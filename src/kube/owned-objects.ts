import type { ObjectName, OwnedObject, OwnedObjectReadings } from '../ports/owned-objects.ts';
import type { Reply } from '../ports/publisher.ts';
import type { KubeClient } from './client.ts';
import { isObject } from './object-meta.ts';
import { readObject } from './objects.ts';

/** Pods and what owns them, of one namespace. */
export class OwnedObjects implements OwnedObjectReadings {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #timeoutMs: number;

  /** `timeoutMs`: of each request. */
  constructor(client: KubeClient, namespace: string, timeoutMs: number) {
    this.#client = client;
    this.#namespace = namespace;
    this.#timeoutMs = timeoutMs;
  }

  read({ apiGroup, resource, name }: ObjectName): Promise<Reply<OwnedObject | null>> {
    const kind = { apiGroup, resource, namespace: this.#namespace, verbs: ['get'] as const };
    return readObject(this.#client, kind, { verb: 'get', name }, this.#timeoutMs, isOwnedObject);
  }
}

function isOwnedObject(body: unknown): body is OwnedObject {
  return isObject(body);
}

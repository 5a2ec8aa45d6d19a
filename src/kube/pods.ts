import type { Patch, Pod, PodsPort, Reply, WatchHandlers, Watching } from '../ports/publisher.ts';
import { isObject } from './object-meta.ts';
import { ObjectWatch } from './object-watch.ts';
import { askObjects, MERGE_PATCH, type ObjectKind, readObject, STRATEGIC_MERGE_PATCH } from './objects.ts';
import type { WatchPorts } from './watch-stream.ts';

/** Pods of one namespace. */
export class PodStore implements PodsPort {
  readonly #ports: WatchPorts;
  readonly #kind: ObjectKind;

  constructor(ports: WatchPorts, namespace: string) {
    this.#ports = ports;
    this.#kind = { apiGroup: '', resource: 'pods', namespace, verbs: ['get', 'list', 'watch', 'patch'] };
  }

  async list(labelSelector: string, timeoutMs: number): Promise<Reply<readonly Pod[]>> {
    const query = `labelSelector=${encodeURIComponent(labelSelector)}`;
    const request = { method: 'GET', timeoutMs, query } as const;
    const reply = await askObjects(this.#ports.client, this.#kind, { verb: 'list' }, request, isPodList);
    return reply.ok ? { ok: true, value: reply.value.items ?? [] } : reply;
  }

  get(name: string, timeoutMs: number): Promise<Reply<Pod | null>> {
    return readObject(this.#ports.client, this.#kind, { verb: 'get', name }, timeoutMs, isPod);
  }

  patch(name: string, patch: Patch, timeoutMs: number): Promise<Reply<Pod>> {
    const request = { method: 'PATCH', body: patch, contentType: MERGE_PATCH, timeoutMs } as const;
    return askObjects(this.#ports.client, this.#kind, { verb: 'patch', name }, request, isPod);
  }

  patchStatus(name: string, patch: Patch, timeoutMs: number): Promise<Reply<Pod>> {
    const about = { verb: 'patch', name, subresource: 'status' } as const;
    const request = { method: 'PATCH', body: patch, contentType: STRATEGIC_MERGE_PATCH, timeoutMs } as const;
    return askObjects(this.#ports.client, this.#kind, about, request, isPod);
  }

  watch(labelSelector: string, handlers: WatchHandlers<Pod>): Watching {
    const selector = `labelSelector=${encodeURIComponent(labelSelector)}`;
    return new ObjectWatch({ ...this.#ports, kind: this.#kind, selector, handlers, understood: isPod });
  }
}

function isPod(body: unknown): body is Pod {
  return isObject(body);
}

function isPodList(body: unknown): body is { readonly items: readonly Pod[] | null } {
  const items = (body as { items?: unknown } | null)?.items;
  return items === null || (Array.isArray(items) && items.every(isPod));
}

import type {
  EndpointSlice,
  EndpointSlicePort,
  Patch,
  Reply,
  Service,
  WatchHandlers,
  Watching,
} from '../ports/publisher.ts';
import { isObject } from './object-meta.ts';
import { ObjectWatch } from './object-watch.ts';
import { askObjects, MERGE_PATCH, type ObjectKind, readObject } from './objects.ts';
import type { WatchPorts } from './watch-stream.ts';

/** One EndpointSlice, and the Service that it is for. */
export class EndpointSliceStore implements EndpointSlicePort {
  readonly #ports: WatchPorts;
  readonly #slices: ObjectKind;
  readonly #services: ObjectKind;
  readonly #about: { readonly name: string; readonly nameInRule: true };
  readonly #service: string;

  constructor(ports: WatchPorts, namespace: string, names: { readonly slice: string; readonly service: string }) {
    this.#ports = ports;
    this.#about = { name: names.slice, nameInRule: true };
    this.#service = names.service;
    const group = 'discovery.k8s.io';
    this.#slices = { apiGroup: group, resource: 'endpointslices', namespace, verbs: ['get', 'watch', 'patch'] };
    this.#services = { apiGroup: '', resource: 'services', namespace, verbs: ['get'] };
  }

  service(timeoutMs: number): Promise<Reply<Service | null>> {
    const about = { verb: 'get', name: this.#service, nameInRule: true } as const;
    return readObject(this.#ports.client, this.#services, about, timeoutMs, isService);
  }

  get(timeoutMs: number): Promise<Reply<EndpointSlice | null>> {
    return readObject(this.#ports.client, this.#slices, { verb: 'get', ...this.#about }, timeoutMs, isSlice);
  }

  create(slice: Patch, timeoutMs: number): Promise<Reply<EndpointSlice>> {
    const request = { method: 'POST', body: slice, timeoutMs } as const;
    return askObjects(this.#ports.client, this.#slices, { verb: 'create' }, request, isSlice);
  }

  patch(patch: Patch, timeoutMs: number): Promise<Reply<EndpointSlice>> {
    const request = { method: 'PATCH', body: patch, contentType: MERGE_PATCH, timeoutMs } as const;
    return askObjects(this.#ports.client, this.#slices, { verb: 'patch', ...this.#about }, request, isSlice);
  }

  watch(handlers: WatchHandlers<EndpointSlice>): Watching {
    const { name } = this.#about;
    const selector = `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
    return new ObjectWatch({ ...this.#ports, kind: this.#slices, selector, name, handlers, understood: isSlice });
  }
}

function isService(body: unknown): body is Service {
  return isObject(body);
}

function isSlice(body: unknown): body is EndpointSlice {
  return isObject(body) && typeof (body as { addressType?: unknown }).addressType === 'string';
}

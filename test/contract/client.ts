import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ContractTarget } from './target.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: claims read whatever the server sent
  readonly body: any;
}

export interface Extras {
  readonly contentType?: string;
  readonly accept?: string;
  /** Instead of the administrator's; empty sends none. */
  readonly token?: string;
}

export interface WatchedEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: claims read whatever the server sent
  readonly object: any;
}

/** An open watch. */
export interface OpenWatch extends AsyncDisposable {
  readonly status: number;
  /** The next event; rejects when the watch ends before it. */
  next(): Promise<WatchedEvent>;
  /** All events up to the end of the watch. */
  rest(): Promise<WatchedEvent[]>;
}

/** Raw requests to one namespace of its own, without any client library between. */
export interface Client {
  readonly namespace: string;
  /** `/apis/coordination.k8s.io/v1/namespaces/<namespace>/leases` */
  readonly leases: string;
  readonly pods: string;
  readonly events: string;
  send(method: string, path: string, body?: unknown, extras?: Extras): Promise<Reply>;
  get(path: string, extras?: Extras): Promise<Reply>;
  post(path: string, body: unknown, extras?: Extras): Promise<Reply>;
  put(path: string, body: unknown, extras?: Extras): Promise<Reply>;
  delete(path: string, body?: unknown, extras?: Extras): Promise<Reply>;
  mergePatch(path: string, body: unknown): Promise<Reply>;
  strategicPatch(path: string, body: unknown): Promise<Reply>;
  jsonPatch(path: string, body: unknown): Promise<Reply>;
  /** Opens a watch; `path` with its query, without `watch=true`. */
  watch(path: string): Promise<OpenWatch>;
}

let namespacesMade = 0;

/** A client in a new namespace. */
export async function freshClient(target: ContractTarget): Promise<Client> {
  namespacesMade += 1;
  const namespace = `contract-${namespacesMade}-${Math.random().toString(36).slice(2, 8)}`;
  const client = makeClient(target, namespace);
  const made = await client.post('/api/v1/namespaces', { metadata: { name: namespace } });
  if (made.status !== 201) throw new Error(`namespace ${namespace}: ${JSON.stringify(made.body)}`);
  return client;
}

function makeClient(target: ContractTarget, namespace: string): Client {
  const send: Client['send'] = async (method, path, body, extras) => {
    const response = await open(target, method, path, body, extras);
    let text = '';
    for await (const chunk of response) text += chunk;
    const json = response.headers['content-type']?.startsWith('application/json') === true && text !== '';
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: json ? withoutManagedFields(JSON.parse(text)) : text,
    };
  };
  const patch = (format: string) => (path: string, body: unknown) =>
    send('PATCH', path, body, { contentType: `application/${format}+json` });
  return {
    namespace,
    leases: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
    pods: `/api/v1/namespaces/${namespace}/pods`,
    events: `/api/v1/namespaces/${namespace}/events`,
    send,
    get: (path, extras) => send('GET', path, undefined, extras),
    post: (path, body, extras) => send('POST', path, body, extras),
    put: (path, body, extras) => send('PUT', path, body, extras),
    delete: (path, body, extras) => send('DELETE', path, body, extras),
    mergePatch: patch('merge-patch'),
    strategicPatch: patch('strategic-merge-patch'),
    jsonPatch: patch('json-patch'),
    watch: async (path) => {
      const separator = path.includes('?') ? '&' : '?';
      return openWatch(await open(target, 'GET', `${path}${separator}watch=true`));
    },
  };
}

/** A text is sent as it is, anything else as JSON. */
async function open(
  target: ContractTarget,
  method: string,
  path: string,
  body?: unknown,
  extras: Extras = {},
): Promise<IncomingMessage> {
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const token = extras.token ?? target.adminToken;
  const options = {
    method,
    agent: false as const,
    ...(target.ca !== undefined && { ca: target.ca }),
    headers: {
      ...(token !== '' && { Authorization: `Bearer ${token}` }),
      Accept: extras.accept ?? 'application/json',
      ...(payload !== undefined && {
        'Content-Type': extras.contentType ?? 'application/json',
        'Content-Length': Buffer.byteLength(payload),
      }),
    },
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const url = new URL(path, target.url);
  const sent: ClientRequest =
    url.protocol === 'https:' ? httpsRequest(url, options, resolve) : httpRequest(url, options, resolve);
  sent.on('error', reject);
  sent.end(payload);
  return promise;
}

function openWatch(response: IncomingMessage): OpenWatch {
  const events = lines(response);
  return {
    status: response.statusCode ?? 0,
    next: async () => {
      const event = await events.next();
      if (event.done === true) throw new Error('the watch ended');
      return event.value;
    },
    rest: async () => {
      const rest: WatchedEvent[] = [];
      for await (const event of events) rest.push(event);
      return rest;
    },
    [Symbol.asyncDispose]: async () => void response.destroy(),
  };
}

async function* lines(response: IncomingMessage): AsyncGenerator<WatchedEvent> {
  let pending = '';
  for await (const chunk of response) {
    const parts = `${pending}${chunk}`.split('\n');
    pending = parts.pop() ?? '';
    for (const part of parts) {
      if (part !== '') yield withoutManagedFields(JSON.parse(part)) as WatchedEvent;
    }
  }
}

/** Who wrote which field is kept by the real server only, and nobody here reads it. */
function withoutManagedFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutManagedFields);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'managedFields')
      .map(([key, item]) => [key, withoutManagedFields(item)]),
  );
}

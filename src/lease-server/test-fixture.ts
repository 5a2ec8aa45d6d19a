import { once } from 'node:events';
import { type Agent, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';

export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface SendOptions {
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  readonly agent?: Agent;
}

/** One request, on a connection of its own unless there is an agent. Rejects when the connection breaks. */
export async function send(url: string, path: string, options: SendOptions = {}): Promise<Sent> {
  const { method = 'GET', token = 'a', body, contentType = 'application/json', signal, agent } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Sent>();
  const sent = request(new URL(path, url), {
    method,
    agent: agent ?? false,
    ...(signal !== undefined && { signal }),
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': contentType },
  });
  sent.on('error', reject);
  sent.on('response', async (response) => {
    let text = '';
    try {
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    } catch (error) {
      reject(error);
    }
  });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

export const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
export const leaseNamed = (name: string) => ({ metadata: { name } });

/** An open watch; its lines as they come. */
export interface TestWatch {
  next(): Promise<{ type: string; object: { metadata: { name: string } } }>;
  /** Resolves when it ends, rejects when it breaks. */
  ended(): Promise<void>;
  close(): void;
}

export async function openWatch(url: string, query = '', token = 'a'): Promise<TestWatch> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { Authorization: `Bearer ${token}` };
  const sent = request(new URL(`${LEASES}?watch=true${query}`, url), { agent: false, headers }, resolve);
  sent.on('error', reject);
  sent.end();
  const response = await promise;
  // Nothing is read before the first line is asked for.
  let lines: AsyncIterator<string> | undefined;
  const closed = once(response, 'end').then(() => undefined);
  closed.catch(() => {});
  return {
    next: async () => {
      lines ??= createInterface({ input: response })[Symbol.asyncIterator]();
      return JSON.parse((await lines.next()).value ?? 'null');
    },
    ended: () => {
      response.resume();
      return closed;
    },
    close: () => response.destroy(),
  };
}

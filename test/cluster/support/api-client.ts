import { Agent, request as httpsRequest } from 'node:https';

/** What the API server answered. `body` is the parsed JSON, or the text if it was none. */
export interface ApiAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: assertions read whatever the API server sent
  readonly body: any;
}

export interface ApiRequestOptions {
  /** Default: `application/json`; for PATCH `application/merge-patch+json`. */
  readonly contentType?: string;
  /** Default: 10 s. */
  readonly timeoutMs?: number;
}

/**
 * A plain client of the API server for one bearer token. Answers of any status are values; it rejects only if there
 * is no answer. Each request has its own connection, so that none inherits one to a server that has since restarted.
 */
export interface ApiClient {
  request(method: string, path: string, body?: unknown, options?: ApiRequestOptions): Promise<ApiAnswer>;
  get(path: string, options?: ApiRequestOptions): Promise<ApiAnswer>;
  post(path: string, body: unknown, options?: ApiRequestOptions): Promise<ApiAnswer>;
  put(path: string, body: unknown, options?: ApiRequestOptions): Promise<ApiAnswer>;
  /** A merge patch, unless `contentType` says otherwise. */
  patch(path: string, body: unknown, options?: ApiRequestOptions): Promise<ApiAnswer>;
  delete(path: string, body?: unknown, options?: ApiRequestOptions): Promise<ApiAnswer>;
}

/**
 * @param url - e.g. `https://127.0.0.1:6443`
 * @param ca - PEM of the certificate authority
 */
export function apiClient(url: string, ca: Buffer, token: string): ApiClient {
  const agent = new Agent({ ca, keepAlive: false });

  function request(method: string, path: string, body?: unknown, options: ApiRequestOptions = {}): Promise<ApiAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const standardType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      Authorization: `Bearer ${token}`,
      Accept: 'application/json',
      ...(payload !== undefined && {
        'Content-Type': options.contentType ?? standardType,
        'Content-Length': Buffer.byteLength(payload),
      }),
    };
    const signal = AbortSignal.timeout(options.timeoutMs ?? 10_000);
    const sent = httpsRequest(new URL(path, url), { method, agent, headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type']?.startsWith('application/json');
        resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
      });
    });
    sent.on('error', reject);
    sent.end(payload);
    return promise;
  }

  return {
    request,
    get: (path, options) => request('GET', path, undefined, options),
    post: (path, body, options) => request('POST', path, body, options),
    put: (path, body, options) => request('PUT', path, body, options),
    patch: (path, body, options) => request('PATCH', path, body, options),
    delete: (path, body, options) => request('DELETE', path, body, options),
  };
}

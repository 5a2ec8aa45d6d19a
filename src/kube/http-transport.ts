import http from 'node:http';
import https from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import type { Credentials, PresentCredentials } from './credentials.ts';
import {
  type KubeReply,
  type KubeRequest,
  type KubeStream,
  type KubeStreamHandlers,
  type Transport,
  TransportError,
} from './transport.ts';

/** A Lease is about a kilobyte; an answer beyond this is not for us. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const TCP_KEEPALIVE_MS = 15_000;
/** An overloaded server may ask for patience, not for absence. */
const RETRY_AFTER_MS_MAX = 60_000;

/**
 * The API server over HTTP/1.1 with connections kept alive. Node's own client, for the reasons in the architecture notes:
 * client-node's generated calls make a TLS handshake each and drop unknown fields; this one keeps a renewal at about a
 * millisecond of CPU.
 */
export class HttpTransport implements Transport {
  readonly #credentials: Credentials;
  readonly #idleConnectionsMax: number;
  readonly #base: URL;
  #agent: http.Agent | https.Agent | null = null;
  #agentVersion = -1;

  /**
   * `idleConnectionsMax`: as many as requests are made at the same time, so that none needs a new handshake.
   *
   * @throws TypeError when `server` is no http(s) URL.
   */
  constructor(server: string, credentials: Credentials, { idleConnectionsMax = 2 } = {}) {
    this.#base = new URL(server);
    this.#credentials = credentials;
    this.#idleConnectionsMax = idleConnectionsMax;
  }

  async request(request: KubeRequest): Promise<KubeReply> {
    const leftMs = countdown(request.timeoutMs);
    const credentials = await this.#credentials.present(leftMs());
    const reply = await this.#once(request, credentials, leftMs());
    if (reply.status !== 401) return reply;
    const others = await this.#credentials.refresh(credentials, leftMs());
    return others === null || leftMs() === 0 ? reply : this.#once(request, others, leftMs());
  }

  stream(request: KubeRequest, handlers: KubeStreamHandlers): KubeStream {
    const abort = new AbortController();
    const end = once((failure: KubeReply | TransportError | null) => {
      if (!abort.signal.aborted) handlers.onEnd(failure);
    });
    const open = async (): Promise<void> => {
      const leftMs = countdown(request.timeoutMs);
      const credentials = await this.#credentials.present(leftMs());
      const { response, done } = await this.#open(request, credentials, leftMs(), abort.signal);
      if (response.statusCode !== 200) {
        const reply = await collect(response).finally(done);
        if (reply.status === 401) await this.#credentials.refresh(credentials, leftMs());
        return end(reply);
      }
      done();
      handlers.onOpen();
      readLines(response, (line) => void (abort.signal.aborted || handlers.onLine(line)), end);
    };
    void open().catch((error: unknown) => end(asTransportError(error, 'reset')));
    return { close: () => abort.abort() };
  }

  async #once(request: KubeRequest, credentials: PresentCredentials, timeoutMs: number): Promise<KubeReply> {
    const { response, done } = await this.#open(request, credentials, timeoutMs, null);
    return collect(response).finally(done);
  }

  /**
   * Sends a request and waits for the answer's head. The timeout runs on until `done` is called, and destroys the connection:
   * one that hung once is not used again.
   */
  #open(
    request: KubeRequest,
    credentials: PresentCredentials,
    timeoutMs: number,
    signal: AbortSignal | null,
  ): Promise<{ response: http.IncomingMessage; done: () => void }> {
    const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
    return new Promise((resolve, reject) => {
      const secure = this.#base.protocol === 'https:';
      let connected = false;
      let timedOut = false;
      let answer: http.IncomingMessage | null = null;
      const options: https.RequestOptions = {
        protocol: this.#base.protocol,
        hostname: this.#base.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: this.#base.port || (secure ? 443 : 80),
        path: `${this.#base.pathname.replace(/\/$/, '')}${request.path}`,
        method: request.method,
        agent: this.#agentFor(credentials),
        headers: {
          Accept: 'application/json',
          'User-Agent': 'leasegate',
          ...(body === null
            ? {}
            : { 'Content-Type': request.contentType ?? 'application/json', 'Content-Length': body.length }),
          ...credentials.headers,
        },
        ...(signal === null ? {} : { signal }),
      };
      let outgoing: http.ClientRequest;
      try {
        outgoing = (secure ? https : http).request(options);
      } catch (error) {
        // Node refuses some of what connections are made from only here, such as a server name that is an address.
        return reject(asTransportError(error, 'no-credentials'));
      }
      const timer = setTimeout(() => {
        timedOut = true;
        const problem = `no answer within ${Math.round(request.timeoutMs)} ms`;
        if (answer === null) outgoing.destroy(new Error(problem));
        else answer.destroy(new TransportError('timeout', problem));
      }, timeoutMs);
      const done = () => clearTimeout(timer);
      outgoing.on('socket', (socket) => {
        connected = outgoing.reusedSocket;
        if (connected) return;
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          connected = true;
        });
      });
      outgoing.on('response', (response) => {
        answer = response;
        resolve({ response, done });
      });
      outgoing.on('error', (error) => {
        done();
        // Not by `finish`: a loop that was held up may see the reset of a request that was carried out before it.
        reject(asTransportError(error, !connected ? 'unreachable' : timedOut ? 'timeout' : 'reset'));
      });
      outgoing.end(body);
    });
  }

  /** Ends all connections: requests under way fail with `reset`. */
  close(): void {
    this.#agent?.destroy();
  }

  #agentFor({ tls, tlsVersion }: PresentCredentials): http.Agent | https.Agent {
    if (this.#agent === null || this.#agentVersion !== tlsVersion) {
      // Requests under way end on the old agent's connections; its idle ones go now.
      const old = this.#agent;
      const options = { keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS, maxFreeSockets: this.#idleConnectionsMax };
      this.#agent =
        this.#base.protocol === 'https:' ? new https.Agent({ ...options, ...tls }) : new http.Agent(options);
      this.#agentVersion = tlsVersion;
      for (const sockets of Object.values(old?.freeSockets ?? {})) for (const socket of sockets ?? []) socket.destroy();
    }
    return this.#agent;
  }
}

function collect(response: http.IncomingMessage): Promise<KubeReply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error(`answer larger than ${ANSWER_BYTES_MAX} bytes`));
      else chunks.push(chunk);
    });
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({
        status: response.statusCode ?? 0,
        body: parseJson(text),
        retryAfterMs: parseRetryAfter(response.headers['retry-after']),
        date: response.headers.date,
      });
    });
    // Without this, an answer cut in the middle would wait for ever.
    response.on('error', (error) => reject(asTransportError(error, 'reset')));
    response.on('close', () =>
      reject(new TransportError('reset', 'the connection closed before the answer was complete')),
    );
  });
}

function readLines(
  response: http.IncomingMessage,
  onLine: (line: string) => void,
  onEnd: (failure: TransportError | null) => void,
): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  response.on('data', (chunk: Buffer) => {
    rest += decoder.write(chunk);
    if (rest.length > ANSWER_BYTES_MAX) {
      response.destroy(new Error('a watch event is too large'));
      return;
    }
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') onLine(line);
  });
  response.on('end', () => onEnd(null));
  response.on('error', (error) => onEnd(asTransportError(error, 'reset')));
  response.on('close', () => onEnd(new TransportError('reset', 'the watch was cut')));
}

function asTransportError(error: unknown, code: TransportError['code']): TransportError {
  if (error instanceof TransportError) return error;
  return new TransportError(code, error instanceof Error ? error.message || error.name : String(error));
}

/** How much of `timeoutMs` is left at each call. */
function countdown(timeoutMs: number): () => number {
  const startMs = performance.now();
  return () => Math.max(0, timeoutMs - (performance.now() - startMs));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Seconds, as API servers send it, within bounds; an HTTP date is not understood and ignored. */
function parseRetryAfter(header: string | undefined): number | null {
  const seconds = Number(header);
  return header === undefined || !Number.isFinite(seconds) || seconds < 0
    ? null
    : Math.min(seconds * 1_000, RETRY_AFTER_MS_MAX);
}

function once<Argument>(action: (argument: Argument) => void): (argument: Argument) => void {
  let done = false;
  return (argument) => {
    if (done) return;
    done = true;
    action(argument);
  };
}

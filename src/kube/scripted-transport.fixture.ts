import type { KubeReply, KubeRequest, KubeStream, KubeStreamHandlers, Transport, TransportError } from './transport.ts';

/** A watch that the test plays the server of. */
export class ScriptedStream implements KubeStream {
  readonly request: KubeRequest;
  readonly #handlers: KubeStreamHandlers;
  closed = false;

  constructor(request: KubeRequest, handlers: KubeStreamHandlers) {
    this.request = request;
    this.#handlers = handlers;
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    if (!this.closed) this.#handlers.onOpen();
  }

  line(text: string): void {
    if (!this.closed) this.#handlers.onLine(text);
  }

  event(type: string, object: unknown): void {
    this.line(JSON.stringify({ type, object }));
  }

  end(failure: KubeReply | TransportError | null = null): void {
    if (this.closed) return;
    this.closed = true;
    this.#handlers.onEnd(failure);
  }
}

/** A transport that remembers what it was asked and answers what the test says. */
export class ScriptedTransport implements Transport {
  readonly requests: KubeRequest[] = [];
  readonly streams: ScriptedStream[] = [];
  /** Answers of the requests to come, in order; the last one is repeated. */
  answers: (KubeReply | Error | Promise<KubeReply>)[] = [];

  async request(request: KubeRequest): Promise<KubeReply> {
    this.requests.push(request);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    if (answer === undefined) throw new Error(`no answer scripted for ${request.method} ${request.path}`);
    if (answer instanceof Error) throw answer;
    return answer;
  }

  stream(request: KubeRequest, handlers: KubeStreamHandlers): ScriptedStream {
    const stream = new ScriptedStream(request, handlers);
    this.streams.push(stream);
    return stream;
  }

  /** The watch opened last. */
  get watch(): ScriptedStream {
    return this.streams.at(-1)!;
  }
}

export const ok = (body: unknown): KubeReply => ({ status: 200, body, retryAfterMs: null });
export const refusal = (status: number, body: object = {}, retryAfterMs: number | null = null): KubeReply => ({
  status,
  body,
  retryAfterMs,
});

/** The 404 of an API server that knows of no such object. */
export const notFound = (kind: string, name: string): KubeReply =>
  refusal(404, { kind: 'Status', status: 'Failure', reason: 'NotFound', details: { kind, name } });

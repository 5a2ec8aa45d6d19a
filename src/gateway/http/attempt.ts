import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { type FailureKind, failureOf } from './failure.ts';
import type { BodyChunks, RequestBody } from './request-body.ts';
import type { Connection, Upstream } from './upstream.ts';

/** What an {@link Attempt} came to, step by step. After `ended`, `failed` or `upgraded` nothing more is said. */
export interface AttemptListener {
  /** Asked right before bytes of the request go out, again and again. False: it is not to be sent (any further). */
  mayWrite(): boolean;
  /** An answer ahead of the answer: 1xx, but 101. */
  informed(status: number, headers: IncomingHttpHeaders): void;
  headed(status: number, statusText: string, headers: IncomingHttpHeaders): void;
  /** False: no more before {@link Attempt.resume}. */
  received(chunk: Buffer): boolean;
  ended(trailers: IncomingHttpHeaders): void;
  /** 101: from here on the socket is a tunnel; `head` came over it already. */
  upgraded(status: number, statusText: string, headers: IncomingHttpHeaders, socket: Socket, head: Buffer): void;
  failed(kind: FailureKind): void;
}

/** What undici and {@link sendByNode} let an attempt do. */
export type Controller = Pick<Dispatcher.DispatchController, 'abort' | 'pause' | 'resume'>;

/** A request given to one server, once. What its handlers throw comes back to it as an error of the response. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #listener: AttemptListener;
  readonly upstream: Upstream;
  readonly #connection: Connection | null;
  readonly chunks: BodyChunks | null;
  #controller: Controller | null = null;
  #over = false;
  /** Whether any of the request may have reached the server. */
  sent = false;
  /** Whether any of an answer came. */
  answered = false;
  /** Whether the connection had served before, so that the server may have closed it without knowing of this request. */
  reused = false;

  constructor(listener: AttemptListener, upstream: Upstream, connection: Connection | null, body: RequestBody | null) {
    this.#listener = listener;
    this.upstream = upstream;
    this.#connection = connection;
    this.chunks = body === null ? null : body.chunks(() => this.#mayWrite());
  }

  /** Ends it, whatever state it is in. Nothing more is said to the listener. */
  abandon(): void {
    if (this.#over) return;
    this.#finish();
    this.#controller?.abort(new Abandoned());
  }

  /** After `received` was answered with false. */
  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Abandoned());
    else if (this.#connection !== null) this.reused = this.#connection.used;
    // The head of a request with a body goes out with its first chunk, which is asked for then.
    if (this.chunks === null && !this.#over && !this.#mayWrite()) this.abandon();
  }

  onResponseStarted(): void {
    this.answered = true;
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, statusText = ''): void {
    if (this.#over) return;
    this.answered = true;
    if (status < 100 || status === 101) throw new InvalidStatus();
    if (status < 200) this.#listener.informed(status, headers);
    else this.#listener.headed(status, statusText, headers);
    if (this.#over) controller.abort(new Abandoned());
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (!this.#over && !this.#listener.received(chunk)) controller.pause();
  }

  onResponseEnd(_controller: Controller, trailers: IncomingHttpHeaders): void {
    if (this.#over) return;
    const broken = this.#connection?.broken === true;
    this.#finish();
    if (broken) this.#listener.failed('reset');
    else this.#listener.ended(trailers);
  }

  onUpgrade(status: number, statusText: string, headers: IncomingHttpHeaders, socket: Socket, head: Buffer): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    this.#finish();
    this.#listener.upgraded(status, statusText, headers, socket, head);
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    if (this.#over) return;
    this.#finish();
    this.#listener.failed(failureOf(error));
  }

  #mayWrite(): boolean {
    if (!this.#listener.mayWrite()) return false;
    this.sent = true;
    return true;
  }

  #finish(): void {
    this.#over = true;
    this.chunks?.end();
    this.#connection?.release();
  }
}

/** Below all classes, or a change of protocols that is none. */
class InvalidStatus extends Error {
  readonly code = 'HPE_INVALID_STATUS';
}

class Abandoned extends Error {
  readonly code = 'ABANDONED';
}

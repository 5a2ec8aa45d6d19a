/** One request to the API server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path, query included. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Of the body; a patch has to say which kind it is. Default: `application/json`. */
  readonly contentType?: string;
  /** From the call to the end of the answer. */
  readonly timeoutMs: number;
}

export interface KubeReply {
  readonly status: number;
  /** Parsed JSON, or the text where it is none. */
  readonly body: unknown;
  /** From the Retry-After header, in milliseconds. */
  readonly retryAfterMs: number | null;
  /** The Date header as it came. */
  readonly date?: string | undefined;
}

/** An open watch: one JSON document per line. */
export interface KubeStream {
  /** Ends it; `onEnd` is not called any more. Safe to call twice. */
  close(): void;
}

export interface KubeStreamHandlers {
  /** The server accepted the watch. */
  onOpen(): void;
  onLine(line: string): void;
  /** It ended: null after a proper end, else why. Called once at most. */
  onEnd(failure: KubeReply | TransportError | null): void;
}

/** How the API server is reached. A simulation puts a virtual network here. */
export interface Transport {
  /** @throws TransportError when no answer came. */
  request(request: KubeRequest): Promise<KubeReply>;
  /** Opens a watch; `timeoutMs` bounds the time until the answer begins. */
  stream(request: KubeRequest, handlers: KubeStreamHandlers): KubeStream;
}

/**
 * No answer came. `no-credentials`: none to ask with; `unreachable`: no connection; with both, nothing can have been done.
 * `reset`, `timeout`: it may have been.
 */
export class TransportError extends Error {
  readonly code: 'no-credentials' | 'unreachable' | 'reset' | 'timeout';
  /** What the operator can do, where that depends on more than the code. */
  readonly remedy: string | null;
  constructor(code: TransportError['code'], message: string, remedy: string | null = null) {
    super(message);
    this.name = 'TransportError';
    this.code = code;
    this.remedy = remedy;
  }
}

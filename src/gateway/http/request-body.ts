import type { IncomingMessage } from 'node:http';

/** How much of a body is kept to be told once more; no more is read before somebody has taken the request. */
const KEPT_BYTES_MAX = 64 * 1024;

/**
 * The body of a request, read only as fast as it is asked for. While no server has taken the request in, what was read is
 * kept, so that another one can be told the same.
 */
export class RequestBody {
  readonly #req: IncomingMessage;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #keeping = true;
  #begun = false;
  readonly #waiting = new Set<() => void>();
  readonly #onReadable = () => this.#wake();
  /** Called once, before the first byte is waited for. */
  readonly #onFirstRead: () => void;
  /** As they came from the client. */
  bytes = 0;

  constructor(req: IncomingMessage, onFirstRead: () => void) {
    this.#req = req;
    this.#onFirstRead = onFirstRead;
  }

  /** Somebody has taken the request: it can't be given to anybody else any more. False when that was known. */
  taken(): boolean {
    if (!this.#keeping) return false;
    this.#keeping = false;
    this.#wake();
    return true;
  }

  get isTaken(): boolean {
    return !this.#keeping;
  }

  /** Nobody wants the rest: it is read and thrown away, so that its sender gets to read the answer. */
  discard(): void {
    this.taken();
    this.#req.off('readable', this.#onReadable).resume();
  }

  /** A reading from the beginning. `allow` is asked before each chunk is handed out. */
  chunks(allow: () => boolean): BodyChunks {
    return new BodyChunks(this, allow);
  }

  /** For {@link BodyChunks}: the chunk at `index`, `done` at the end, `later` when there is none yet. */
  at(index: number): Buffer | 'done' | 'later' {
    const kept = this.#kept[index];
    if (kept !== undefined) return kept;
    if (!this.#keeping) this.#kept.length = 0;
    else if (this.#keptBytes >= KEPT_BYTES_MAX) return 'later';
    const req = this.#req;
    if (!this.#begun) this.#begin();
    if (req.destroyed && !req.complete) throw new BodyAborted();
    const chunk = req.read() as Buffer | null;
    if (chunk === null) return req.readableEnded || (req.complete && req.readableLength === 0) ? 'done' : 'later';
    this.bytes += chunk.length;
    if (this.#keeping) {
      this.#kept.push(chunk);
      this.#keptBytes += chunk.length;
    }
    return chunk;
  }

  /** For {@link BodyChunks}: calls back once, when {@link at} may have another answer. */
  wait(callback: () => void): void {
    this.#waiting.add(callback);
  }

  #begin(): void {
    this.#begun = true;
    this.#onFirstRead();
    const wake = this.#onReadable;
    this.#req.on('readable', wake).on('end', wake).on('close', wake).on('error', wake);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of waiting) callback();
  }
}

/** The client went away before all of its body had come. */
export class BodyAborted extends Error {
  readonly code = 'BODY_ABORTED';
}

/** One reading of a {@link RequestBody}. */
export class BodyChunks implements AsyncIterableIterator<Buffer> {
  readonly #body: RequestBody;
  readonly #allow: () => boolean;
  #index = 0;
  #ended = false;
  #awaited: { resolve(result: IteratorResult<Buffer>): void; reject(error: unknown): void } | null = null;

  constructor(body: RequestBody, allow: () => boolean) {
    this.#body = body;
    this.#allow = allow;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer>> {
    return new Promise((resolve, reject) => {
      this.#awaited = { resolve, reject };
      this.#look();
    });
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** No more is wanted. Whoever still waits for a chunk gets an error: to be told of an end, it could take the body for whole. */
  end(): void {
    this.#ended = true;
    this.#awaited?.reject(new BodyAborted());
    this.#awaited = null;
  }

  #look(): void {
    const awaited = this.#awaited;
    if (awaited === null) return;
    let found: Buffer | 'done' | 'later';
    try {
      if (this.#ended) throw new BodyAborted();
      found = this.#body.at(this.#index);
    } catch (error) {
      this.#awaited = null;
      awaited.reject(error);
      return;
    }
    if (found === 'later') {
      this.#body.wait(() => this.#look());
      return;
    }
    this.#awaited = null;
    // The last moment: the chunk is written in the microtask that follows.
    if (!this.#allow()) awaited.reject(new BodyAborted());
    else if (found === 'done') awaited.resolve({ done: true, value: undefined });
    else {
      this.#index += 1;
      awaited.resolve({ done: false, value: found });
    }
  }
}

import type { Writable } from 'node:stream';

/** What may wait for a reader, in characters, before more is dropped. */
const WAITING_MAX = 1024 * 1024;

/**
 * A standard stream whose reader may be slow, stuck or gone: writing neither blocks, nor fails, nor takes memory without bound.
 * Node sets pipes to non-blocking and writes to them at once as long as they take it, so that in the ordinary case nothing
 * waits here, and nothing is lost even in a crash. (pino's own destination writes later, and at the end tries for ever.)
 */
export class Output {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Whoever read it is gone (EPIPE). There is nobody left to tell.
    stream.on('error', () => {});
  }

  /** @returns false when the text was dropped */
  write(text: string): boolean {
    if (this.#stream.writableLength + text.length > WAITING_MAX) return false;
    this.#stream.write(text);
    return true;
  }

  /** Resolves when all of the text is written: null, or why it could not be (the disk is full, the reader is gone). */
  writeWhole(text: string): Promise<Error | null> {
    return new Promise((resolve) => this.#stream.write(text, (error) => resolve(error ?? null)));
  }

  /** Resolves when all has been read or can't be, at the latest after `waitMsMax`. */
  async flushed(waitMsMax: number): Promise<void> {
    if (this.#stream.writableLength === 0) return;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, waitMsMax);
      this.#stream.write('', () => resolve());
    });
  }
}

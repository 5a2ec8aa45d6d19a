import type { Socket } from 'node:net';

/** What a client may say before it knows whether there will be a tunnel. */
const EARLY_BYTES_MAX = 64 * 1024;

/**
 * The client's side of a request to change protocols, until it is answered. It is read all the while: whether the client is still
 * there can't be known otherwise.
 */
export class UpgradeSocket {
  readonly socket: Socket;
  readonly #early: Buffer[];
  #earlyBytes = 0;
  readonly #onData = (chunk: Buffer) => {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= EARLY_BYTES_MAX) this.socket.pause();
  };
  readonly #onEnd = () => void this.socket.destroy();
  /** What an answer that is no tunnel waits for. */
  readonly #onDrain: () => void;

  constructor(socket: Socket, head: Buffer, onDrain: () => void) {
    this.socket = socket;
    this.#onDrain = onDrain;
    this.#early = [head];
    socket.on('data', this.#onData).on('end', this.#onEnd).on('drain', onDrain);
  }

  /** Leaves the socket to others, who read on from here. What came until now is returned. */
  take(): Buffer {
    this.socket.off('data', this.#onData).off('end', this.#onEnd).off('drain', this.#onDrain);
    return Buffer.concat(this.#early);
  }
}

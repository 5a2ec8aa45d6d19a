import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import { type CredentialMaterial, checkTls, readCredentials, remedyFor } from './credential-source.ts';
import type { LoadedKubeConfig } from './kubeconfig.ts';
import { TransportError } from './transport.ts';

export interface PresentCredentials extends CredentialMaterial {
  /** Changes with the TLS material. */
  readonly tlsVersion: number;
}

/**
 * How old what was read may be. The kubelet rotates tokens at 80 % of their life and CAs long before they end; ten seconds
 * are soon enough, and a 401 asks for a fresh look at once.
 */
const FRESH_MS = 10_000;

/** The part of a request's time that may go into reading again what there is already. Files take next to none of it. */
const READING_SHARE = 0.25;

/**
 * Credentials from a kubeconfig or a pod's service account, read again as they are rotated, once at a time. Whatever can't be
 * read (a file in the middle of a rotation, a plugin that hangs) leaves the last ones in use and holds up no request beyond
 * its time.
 */
export class Credentials {
  readonly #loaded: LoadedKubeConfig;
  readonly #clock: Clock;
  readonly #log: Logger;
  #present: PresentCredentials | null = null;
  #reading: Promise<PresentCredentials> | null = null;
  #readAtMonoMs = Number.NEGATIVE_INFINITY;
  #unreadable: string | null = null;

  constructor(loaded: LoadedKubeConfig, clock: Clock, log: Logger) {
    this.#loaded = loaded;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * What a request with `timeoutMs` left goes with.
   *
   * @throws TransportError `no-credentials` when there never were any, or not in time
   */
  async present(timeoutMs: number): Promise<PresentCredentials> {
    const last = this.#present;
    if (last === null) {
      const first = await within(timeoutMs, this.#read());
      if (first === null) throw this.#late(timeoutMs);
      return first;
    }
    const fresh = this.#clock.now().monoMs - this.#readAtMonoMs < FRESH_MS;
    if (fresh || this.#reading !== null) return last;
    return (await within(timeoutMs * READING_SHARE, this.#read())) ?? last;
  }

  /** After a 401: others than those that were refused, or null when there are none within `timeoutMs`. */
  async refresh(refused: PresentCredentials, timeoutMs: number): Promise<PresentCredentials | null> {
    if (sameCredentials(this.#present, refused) && (await within(timeoutMs, this.#read())) === null) {
      this.#noteReadable(this.#late(timeoutMs));
    }
    return sameCredentials(this.#present, refused) ? null : this.#present;
  }

  /** Rejects only as long as there are none at all. */
  #read(): Promise<PresentCredentials> {
    this.#reading ??= this.#readAnew().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAnew(): Promise<PresentCredentials> {
    const last = this.#present;
    try {
      const { tls, headers } = await readCredentials(this.#loaded);
      const changed = !same(last?.tls, tls);
      if (changed) await checkTls(this.#loaded, tls);
      this.#present = { tls, headers, tlsVersion: (last?.tlsVersion ?? 0) + (changed ? 1 : 0) };
      this.#noteReadable(null);
      return this.#present;
    } catch (error) {
      if (last === null || !(error instanceof TransportError)) throw error;
      this.#noteReadable(error);
      return last;
    } finally {
      this.#readAtMonoMs = this.#clock.now().monoMs;
    }
  }

  #late(timeoutMs: number): TransportError {
    const message = `no credentials within ${Math.round(timeoutMs)} ms`;
    return new TransportError('no-credentials', message, remedyFor(this.#loaded));
  }

  #noteReadable(problem: TransportError | null): void {
    // One line per change: the words of one trouble may differ with the time that was left.
    const trouble = problem?.remedy ?? null;
    if (trouble === this.#unreadable) return;
    this.#unreadable = trouble;
    if (problem === null) this.#log.info({ code: 'CREDENTIALS_READABLE' }, 'credentials can be read again');
    else
      this.#log.warn(
        { code: 'CREDENTIALS_UNREADABLE', remedy: problem.remedy },
        `credentials can't be read, the last ones stay in use: ${problem.message}`,
      );
  }
}

/** What `promise` gives, or null when that takes longer. */
async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, timeoutMs, null);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function sameCredentials(a: PresentCredentials | null, b: PresentCredentials): boolean {
  return a !== null && a.tlsVersion === b.tlsVersion && same(a.headers, b.headers);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

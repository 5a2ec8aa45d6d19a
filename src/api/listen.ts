import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemTimers, type Timer, type Timers } from '../ports/clock.ts';
import { ListenError } from '../ports/listen-error.ts';
import type { Logger } from '../ports/log.ts';
import { LIMITS } from './limits.ts';
import { answerQuickly, type QuickAnswers } from './quick-answers.ts';

export interface ListenOptions {
  /** The option that chose the address, for the message when it does not work: `LEASEGATE_API_LISTEN`. */
  readonly option: string;
  /** IP address or name; empty for every address. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly log: Logger;
  /** Answered without asking the handler, which must give the same answers to the same questions. */
  readonly quickAnswers?: QuickAnswers;
  /** @defaultValue Node's timers */
  readonly timers?: Timers;
}

export interface Listener {
  readonly host: string;
  /** The port in use, also where 0 was asked for. */
  readonly port: number;
  /**
   * Takes no more connections, lets running requests end, and after `graceMs` ends what is left. Resolves when all
   * connections are gone; never rejects.
   */
  close(graceMs: number): Promise<void>;
}

/** Serves `handler` on an address. Rejects with a {@link ListenError}. */
export function listen(handler: RequestListener, options: ListenOptions): Promise<Listener> {
  const { host, port, option, log, timers = systemTimers } = options;
  const server = createServer(
    {
      maxHeaderSize: LIMITS.headerBytesMax,
      headersTimeout: LIMITS.headersTimeoutMs,
      requestTimeout: LIMITS.requestTimeoutMs,
      connectionsCheckingInterval: LIMITS.timeoutCheckIntervalMs,
      keepAliveTimeout: LIMITS.keepAliveTimeoutMs,
    },
    handler,
  );
  const endQuickConnections = options.quickAnswers && answerQuickly(server, options.quickAnswers);
  server.maxConnections = LIMITS.connectionsMax;
  server.once('drop', () => log.warn({ option, connectionsMax: LIMITS.connectionsMax }, 'Too many connections'));

  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new ListenError(options, error)));
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => log.error({ err: error, option }, 'The HTTP server failed'));
      const address = server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port, close });
    });
  });

  function close(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      // A connection that becomes idle after close() began is not closed by it: sweep until none is left.
      let sweeper: Timer;
      const sweep = () => {
        server.closeIdleConnections();
        sweeper = timers.after(SWEEP_INTERVAL_MS, sweep);
      };
      const deadline = timers.after(graceMs, () => server.closeAllConnections());
      server.close(() => {
        deadline.cancel();
        sweeper.cancel();
        resolve();
      });
      sweep();
      endQuickConnections?.();
    });
  }
}

const SWEEP_INTERVAL_MS = 20;

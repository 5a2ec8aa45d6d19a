import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import type { CallTarget, KubeClient } from './client.ts';
import type { Failure } from './errors.ts';
import type { KubeStream } from './transport.ts';
import { failureOfEnd, failureOfEvent, parseWatchEvent } from './watch-events.ts';

/** What a watch needs of its surroundings. */
export interface WatchPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface WatchOpening {
  readonly target: CallTarget;
  /** `/apis/…/leases` */
  readonly path: string;
  /** Selector, and the version to go on from, encoded; without a version the watch begins with all that is there. */
  readonly query: string;
  /** Until the server accepts it. */
  readonly timeoutMs: number;
}

export interface WatchStreamHandlers {
  opened(): void;
  /** Anything but an error; of a bookmark only the version tells. `version` is null where the object carries none. */
  told(type: string, object: unknown, version: string | null): void;
  /** Once, unless it was closed before: null after a proper end, else why. `gone`: only a fresh listing helps. */
  ended(failure: Failure | null): void;
}

/** The server ends a watch after this long, so that load spreads over API servers. */
const WATCH_SECONDS_MIN = 300;
const WATCH_SECONDS_SPREAD = 300;
/** API servers send a bookmark about once a minute: a watch that is silent for longer than two is dead. */
const SILENCE_MS_MAX = 150_000;

export const WATCH_MALFORMED: Failure = {
  code: 'unexpected',
  message: 'a watch told what no API server tells',
  mayHaveHappened: false,
  retryAfterMs: null,
};
export const WATCH_SILENT: Failure = {
  ...WATCH_MALFORMED,
  code: 'timeout',
  message: 'a watch told nothing for too long',
};

/** One opening of a watch, to its end. Booked with the client; whether and when it is opened anew is for its owner to say. */
export function openWatch(
  { client, clock, timers, random }: WatchPorts,
  { target, path, query, timeoutMs }: WatchOpening,
  handlers: WatchStreamHandlers,
): KubeStream {
  const startMonoMs = clock.now().monoMs;
  let stream: KubeStream | null = null;
  let silence: Timer | null = null;
  let closed = false;

  const close = () => {
    closed = true;
    silence?.cancel();
    stream?.close();
  };
  const end = (failure: Failure | null) => {
    if (closed) return;
    close();
    handlers.ended(failure);
  };
  const heard = () => {
    silence?.cancel();
    silence = timers.after(SILENCE_MS_MAX, () => end(WATCH_SILENT));
  };
  const note = (failure: Failure | null) => client.note(target, failure, clock.now().monoMs - startMonoMs);

  const seconds = Math.floor(WATCH_SECONDS_MIN + random() * WATCH_SECONDS_SPREAD);
  const parameters = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}`;
  stream = client.transport.stream(
    { method: 'GET', path: `${path}?${parameters}${query === '' ? '' : `&${query}`}`, timeoutMs },
    {
      onOpen: () => {
        note(null);
        heard();
        handlers.opened();
      },
      onLine: (line) => {
        if (closed) return;
        heard();
        const event = parseWatchEvent(line);
        if (event === null) return end(WATCH_MALFORMED);
        if (event.type === 'ERROR') return end(failureOfEvent(event.object));
        handlers.told(event.type, event.object, versionOf(event.object));
      },
      onEnd: (why) => {
        if (why === null) return end(null);
        const failure = failureOfEnd(why);
        note(failure);
        end(failure);
      },
    },
  );
  return { close };
}

function versionOf(object: unknown): string | null {
  const version = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
  return typeof version === 'string' ? version : null;
}

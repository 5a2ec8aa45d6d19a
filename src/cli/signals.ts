import { constants } from 'node:os';

export type Signal = 'SIGTERM' | 'SIGINT';

/** npm and shells pass on a Ctrl-C that has come already, and a restarted kubelet tells anew: that is not impatience. */
const REPEATED_MS_MAX = 1_000;

const listeners: ((signal: Signal) => void)[] = [];
let first: { readonly signal: Signal } | null = null;
/** When the last signal came that had an effect. */
let lastAtMs = 0;
let onImpatient: (() => void) | null = null;

// Loading this file is what makes signals count, so it is loaded before anything else: as process 1 of a container one without
// a handler is lost, and elsewhere it would end the process with 143.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => onReceived(signal));

/**
 * Asks for the first SIGTERM or SIGINT; one that has come already is delivered at once. A further signal, a second or more
 * later, ends the process without any farewell, with the code that a shell gives it: 143 or 130.
 */
export function onSignal(listener: (signal: Signal) => void): void {
  listeners.push(listener);
  if (first !== null) listener(first.signal);
}

/**
 * Something that the first signal began waits: one further signal ends that instead of the process, and then the next one the
 * process. Returns the way to say that it does not wait any more.
 */
export function onImpatience(listener: () => void): () => void {
  onImpatient = listener;
  return () => {
    onImpatient = null;
  };
}

function onReceived(signal: Signal): void {
  const atMs = performance.now();
  if (first === null) {
    first = { signal };
    lastAtMs = atMs;
    for (const listener of listeners) listener(signal);
  } else if (atMs - lastAtMs >= REPEATED_MS_MAX) {
    if (onImpatient === null) process.exit(128 + constants.signals[signal]);
    lastAtMs = atMs;
    const listener = onImpatient;
    onImpatient = null;
    listener();
  }
}

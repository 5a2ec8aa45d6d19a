import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 4;
/** Looks that ask another process are rarer: they cost both something. */
const ASK_EVERY_MS = 40;

/**
 * Waits for something to become true, and returns what `look` found (anything but null, undefined and false).
 *
 * @throws Error when it is not found within `timeoutMs`
 */
export async function until<Found>(
  what: string,
  timeoutMs: number,
  look: () => Found | null | undefined | false | Promise<Found | null | undefined | false>,
): Promise<Found> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const looked = look();
    const asked = looked instanceof Promise;
    const found = await looked;
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(asked ? ASK_EVERY_MS : LOOK_EVERY_MS);
  }
}

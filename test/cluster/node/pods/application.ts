/** Runs in a pod as its application: says when it is told to end, asks the sidecar all the time, and takes a while to end. */
const ASK_EVERY_MS = 20;
const END_LASTS_MS = 1_500;

const nowMs = () => performance.timeOrigin + performance.now();
const say = (what: string, more: object = {}) => console.log(JSON.stringify({ atMs: nowMs(), what, ...more }));

/** Whether the sidecar says that it leads; null while it does not answer. */
async function leads(): Promise<boolean | null> {
  try {
    const answer = await fetch('http://127.0.0.1:4040/leader', { signal: AbortSignal.timeout(500) });
    return ((await answer.json()) as { isLeader: boolean }).isLeader;
  } catch {
    return null;
  }
}

let last: boolean | null | undefined;
async function ask(): Promise<void> {
  const now = await leads();
  if (now !== last) say('leads', { leads: now });
  last = now;
  setTimeout(() => void ask(), ASK_EVERY_MS);
}

process.on('SIGTERM', () => {
  say('told to end');
  setTimeout(() => {
    say('ends', { leads: last });
    process.exit(0);
  }, END_LASTS_MS);
});
void ask();

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const attemptEveryMs = 200;

/**
 * Runs work while no other process of this machine runs work under the same name.
 *
 * The lock is a listening socket in Linux's abstract namespace: the kernel gives it up when its holder dies, however
 * it dies, so there is no stale lock to tell from a live one. Where that namespace does not exist the work runs
 * unlocked, and must be correct (if wasteful) when it is done twice.
 *
 * @param onWait - called once if the lock is taken
 */
export async function withMachineLock<Result>(
  name: string,
  onWait: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  if (process.platform !== 'linux') return work();
  const address = `\0${createHash('sha256').update(name).digest('hex')}`;
  let release = await tryListen(address);
  if (!release) onWait();
  while (!release) {
    await sleep(attemptEveryMs);
    release = await tryListen(address);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}

async function tryListen(address: string): Promise<(() => Promise<void>) | undefined> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') resolve(false);
    else reject(error);
  });
  server.listen(address, () => resolve(true));
  if (!(await promise)) return undefined;
  return () => new Promise<void>((closed) => server.close(() => closed()));
}

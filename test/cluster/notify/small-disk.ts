import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file system of 64 KiB, which can be filled and made read-only. Mounting one takes root. */
export class SmallDisk {
  readonly directory: string;
  readonly #filling: string;

  static mount(directory: string): SmallDisk {
    mkdirSync(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'leasegate-test', directory]);
    return new SmallDisk(directory);
  }

  private constructor(directory: string) {
    this.directory = directory;
    this.#filling = join(directory, 'filling');
  }

  /** Leaves no byte free. */
  fill(): void {
    let { bavail, bsize } = statfsSync(this.directory);
    // What is written at the same time may come first.
    while (bavail > 0) {
      try {
        writeFileSync(this.#filling, Buffer.alloc(bavail * bsize, '.'), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
      ({ bavail, bsize } = statfsSync(this.directory));
    }
  }

  free(): void {
    truncateSync(this.#filling);
  }

  setReadOnly(readOnly: boolean): void {
    execFileSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, this.directory]);
  }

  unmount(): void {
    execFileSync('umount', [this.directory]);
    rmSync(this.directory, { recursive: true });
  }
}

import { accessSync, constants, renameSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Leadership } from '../leadership/leadership.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { NotifyEvent, NotifyMetrics } from '../ports/notify-metrics.ts';

export interface StatusFileOptions {
  /** Absolute. */
  readonly path: string;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: NotifyMetrics;
}

/**
 * A file that is there while this replica leads: the answer of `/leader`, and `expiresAt`, until when it may be trusted. It is
 * written at the start of a term and after each renewal, and removed, before anybody else is told, when the term ends. A reader
 * compares `expiresAt` with its clock: a process that was killed or stopped removes nothing.
 *
 * Never synced to the disk: those who read it share this machine's page cache, and no file may outlive its crash as true anyway.
 */
export class StatusFile {
  readonly #options: StatusFileOptions;
  readonly #temporary: string;
  readonly #hooks: (() => void)[];
  /** The write under way: one at a time, so that a disk that hangs holds one thread. */
  #writing: Promise<void> | null = null;
  /** What happened while it was. */
  #next: NotifyEvent | null = null;
  /** How it failed last, until it works again. */
  #trouble: string | null = null;
  #closed = false;

  /** Removes what a dead predecessor left. */
  constructor(options: StatusFileOptions) {
    this.#options = options;
    const { path, leadership } = options;
    this.#temporary = join(dirname(path), `.${basename(path)}.tmp`);
    this.#attempt(() => {
      remove(path);
      remove(this.#temporary);
      accessSync(dirname(path), constants.W_OK);
    });
    this.#hooks = [
      leadership.subscribe(({ kind }) => {
        if (kind === 'started') this.#write('started');
        if (kind === 'stopped') this.#removeOnLoss();
      }),
      leadership.onRenewed(() => this.#write('renewed')),
    ];
  }

  /** Removes the file; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const unhook of this.#hooks) unhook();
    this.#attempt(() => remove(this.#options.path));
    await this.#writing;
  }

  #removeOnLoss(): void {
    const { path, metrics } = this.#options;
    const removed = this.#attempt(() => remove(path));
    metrics.ended('status-file', 'stopped', removed ? 'delivered' : 'failed');
  }

  #write(event: NotifyEvent): void {
    if (this.#writing !== null) {
      this.#next = event;
      return;
    }
    this.#writing = this.#replace(event).finally(() => {
      this.#writing = null;
      const next = this.#next;
      this.#next = null;
      if (next !== null && !this.#closed) this.#write(next);
    });
  }

  /** Only the write of the temporary file may wait for a disk. The rename comes in one step with a last look at the term. */
  async #replace(event: NotifyEvent): Promise<void> {
    const { path, leadership, clock, metrics } = this.#options;
    const { monoMs, wallMs } = clock.now();
    const answer = leadership.answer();
    if (!answer.isLeader) return;
    const iso = (atMs: number) => new Date(atMs).toISOString();
    const text = JSON.stringify({ ...answer, time: iso(wallMs), expiresAt: iso(wallMs + answer.validForMs) });
    try {
      remove(this.#temporary);
      // Made anew, and never through a link: another container may have put one there.
      const file = await open(this.#temporary, 'wx', MODE);
      try {
        await file.chmod(MODE);
        await file.writeFile(`${text}\n`);
      } finally {
        await file.close();
      }
      if (this.#closed || leadership.fencingToken() !== answer.fencingToken) return remove(this.#temporary);
      renameSync(this.#temporary, path);
      metrics.ended('status-file', event, 'delivered');
      if (event === 'started') metrics.delivered('status-file', clock.now().monoMs - monoMs);
      this.#works();
    } catch (error) {
      try {
        remove(this.#temporary);
      } catch {
        // It could not be made, either.
      }
      metrics.ended('status-file', event, 'failed');
      this.#fails(error as NodeJS.ErrnoException);
    }
  }

  #attempt(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#fails(error as NodeJS.ErrnoException);
      return false;
    }
  }

  #works(): void {
    const { log, path } = this.#options;
    if (this.#trouble === null) return;
    log.info({ code: 'STATUS_FILE_RECOVERED', path, was: this.#trouble }, 'the status file can be written again');
    this.#trouble = null;
  }

  #fails({ code = 'UNKNOWN', message }: NodeJS.ErrnoException): void {
    const { log, path } = this.#options;
    if (code === this.#trouble) return;
    this.#trouble = code;
    const remedy = REMEDIES[code] ?? 'see the message';
    log.warn({ code: 'STATUS_FILE_FAILING', path, remedy }, `the status file can't be written or removed: ${message}`);
  }
}

/** Another user's process may have to read it. */
const MODE = 0o644;

const NO_SPACE = 'make room; an emptyDir with medium: Memory is not filled by logs';
const NOT_WRITABLE = 'mount an emptyDir at its directory, in both containers';
const NOT_PERMITTED = 'let the user of this container write to the directory (fsGroup)';
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EROFS: NOT_WRITABLE,
  ENOENT: NOT_WRITABLE,
  ENOTDIR: NOT_WRITABLE,
  EACCES: NOT_PERMITTED,
  EPERM: NOT_PERMITTED,
  EISDIR: 'name a file in LEASEGATE_STATUS_FILE, not a directory',
};

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

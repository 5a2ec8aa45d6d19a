import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory for kubeconfigs that is there as long as the demo. */
export class Workspace {
  readonly path = mkdtempSync(join(tmpdir(), 'leasegate-demo-'));

  /** Writes a file that only this user can read, and returns its path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** Removes it with all that is in it; synchronously, so that an exit handler may call it. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

import { join } from 'node:path';
import { LineProcess } from '../replica/line-process.ts';
import { until } from '../replica/until.ts';

const PROGRAM = join(import.meta.dirname, 'application-process.ts');
const START_TIMEOUT_MS = 20_000;

/** An application beside a replica: a real process, that can be killed, frozen (SIGSTOP) and started anew on its port. */
export class Application {
  readonly #options: { readonly flapEveryMs?: number };
  #process: LineProcess | null = null;
  #port = 0;

  constructor(options: { readonly flapEveryMs?: number } = {}) {
    this.#options = options;
  }

  /** Starts it, anew on the same port after it was killed. */
  async start(): Promise<this> {
    const { flapEveryMs } = this.#options;
    let port = 0;
    const args = [PROGRAM, String(this.#port), ...(flapEveryMs === undefined ? [] : [String(flapEveryMs)])];
    const started = new LineProcess({
      command: process.execPath,
      args,
      env: { PATH: process.env.PATH },
      onLine: (line) => {
        port = Number(line);
      },
    });
    this.#process = started;
    await until('the application listens', START_TIMEOUT_MS, () => {
      if (!started.running) throw new Error(`the application ended: ${started.stderr}`);
      return port > 0;
    });
    this.#port = port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/healthz`;
  }

  /** SIGKILL. Returns when it was sent. */
  kill(): number {
    return this.#running.kill();
  }

  /** SIGSTOP: connections are accepted by the kernel, and nobody answers. */
  freeze(): void {
    this.#running.pause();
  }

  thaw(): void {
    this.#running.resume();
  }

  /** Unwell from now on, or well again. */
  turn(): void {
    process.kill(this.#running.pid, 'SIGUSR2');
  }

  get #running(): LineProcess {
    if (this.#process === null) throw new Error('the application has not been started');
    return this.#process;
  }
}

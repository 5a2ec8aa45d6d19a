import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTool } from '../tools/build.ts';
import { Daemon } from './daemon.ts';

export interface ElectorOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Unique among the processes that live at the same time; also names the files in `directory`. */
  readonly identity: string;
  /** For its output and log. */
  readonly directory: string;
  /** Whole seconds; default 15. */
  readonly leaseDurationSeconds?: number;
  /** Default: 10,000. */
  readonly renewDeadlineMs?: number;
  /** Default: 2,000. */
  readonly retryPeriodMs?: number;
  /** E.g. `127.0.0.1:8080`: GET /leader answers `{"isLeader": …}`. */
  readonly listen?: string;
  /** Default: true. */
  readonly releaseOnCancel?: boolean;
}

/** One change in what client-go believes. */
export interface ElectorEvent {
  /** CLOCK_MONOTONIC in ms: compare with `Number(process.hrtime.bigint()) / 1e6` of any process on this machine. */
  readonly t_mono_ms: number;
  readonly event: 'started' | 'stopped' | 'new-leader';
  readonly identity: string;
  /** The last holder observed; empty after a release. */
  readonly leader: string;
}

/** client-go's own elector (test/interop/go) as a process; `stop(graceMs)` lets it release the Lease. */
export class ClientGoElector extends Daemon {
  readonly identity: string;
  readonly #outputFile: string;

  /** @internal use {@link startElector} */
  constructor(command: string, options: ElectorOptions) {
    const outputFile = join(options.directory, `${options.identity}.jsonl`);
    super({
      name: `elector ${options.identity}`,
      command,
      args: flags(options),
      logFile: join(options.directory, `${options.identity}.log`),
      stdoutFile: outputFile,
    });
    this.identity = options.identity;
    this.#outputFile = outputFile;
  }

  /** All changes so far, oldest first. */
  async events(): Promise<ElectorEvent[]> {
    const text = await readFile(this.#outputFile, 'utf8');
    const wholeLines = text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean);
    return wholeLines.map((line) => JSON.parse(line) as ElectorEvent);
  }
}

/** @throws MissingTool when the elector has not been built */
export async function startElector(options: ElectorOptions): Promise<ClientGoElector> {
  return new ClientGoElector(await findTool('elector'), options);
}

function flags(options: ElectorOptions): string[] {
  return [
    `--kubeconfig=${options.kubeconfig}`,
    `--namespace=${options.namespace}`,
    `--name=${options.name}`,
    `--identity=${options.identity}`,
    `--lease-duration=${options.leaseDurationSeconds ?? 15}s`,
    `--renew-deadline=${options.renewDeadlineMs ?? 10_000}ms`,
    `--retry-period=${options.retryPeriodMs ?? 2_000}ms`,
    `--release-on-cancel=${options.releaseOnCancel ?? true}`,
    ...(options.listen === undefined ? [] : [`--listen=${options.listen}`]),
  ];
}

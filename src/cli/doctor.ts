import { DOCTOR_OPTIONS } from '../config/doctor-options.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import type { RUN_OPTIONS } from '../config/run-options.ts';
import { examine } from '../doctor/examine.ts';
import { type Level, worstOf } from '../doctor/finding.ts';
import type { Plan } from '../doctor/plan.ts';
import { KubeClient } from '../kube/client.ts';
import { ApiReadings } from '../kube/cluster-readings.ts';
import { Credentials } from '../kube/credentials.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { KubeConfigError, type LoadedKubeConfig, loadKubeConfig } from '../kube/kubeconfig.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import { electionKey, sliceName } from '../publish/names.ts';
import { VERSION } from '../version.ts';
import { configSources, kubeconfigSource } from './config-sources.ts';
import type { Command, CommandContext } from './context.ts';

/** A finding as it is printed; codes of options are beside those of the examination. */
interface Reported {
  readonly code: string;
  readonly level: Level;
  readonly message: string;
  readonly remedy: string | null;
}

/** By the worst of the findings. */
const EXIT_CODES: Readonly<Record<Level, number>> = { ok: 0, warning: 1, error: 2 };

/** To load by: all of `run`'s options, and one more that the configuration does not hold. */
const TABLE = DOCTOR_OPTIONS as unknown as typeof RUN_OPTIONS;

/**
 * `leasegate doctor`: looks for what would keep `leasegate run` from working, and changes nothing. Exit code 0: nothing found; 1:
 * warnings; 2: errors, those of the options included.
 */
export const doctor: Command = async (argv, context) => {
  const asJson = parseOptions(DOCTOR_OPTIONS, { argv, env: context.env }).values.output === 'json';
  try {
    const loaded = loadConfig(configSources(argv, context), TABLE);
    if (!loaded.ok) {
      if (!asJson) context.stderr(formatProblems(loaded.problems));
      return asJson ? report(loaded.problems.map(ofOption), asJson, context) : EXIT_CODES.error;
    }
    const { config } = loaded;
    const kube = loadKubeConfig(kubeconfigSource(config.kubeconfig, context));
    return report(await examineCluster(config, kube, context), asJson, context);
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    const { code, message, remedy } = error;
    if (asJson) return report([{ code, level: 'error', message, remedy }], asJson, context);
    context.stderr(`leasegate: ${code} ${message}; ${remedy}\n`);
    return EXIT_CODES.error;
  }
};

function ofOption({ code, option, value, message, remedy }: Problem): Reported {
  const subject = value === null ? option : `${option} ${JSON.stringify(value)}`;
  return { code, level: 'error', message: `${subject}: ${message}`, remedy };
}

async function examineCluster(config: Config, kube: LoadedKubeConfig, context: CommandContext): Promise<Reported[]> {
  const clock = systemClock;
  const server = kube.config.getCurrentCluster()?.server ?? '';
  const credentials = new Credentials(kube, clock, SILENT);
  const transport = new HttpTransport(server, credentials);
  const client = new KubeClient({ transport, clock, metrics: UNCOUNTED, log: SILENT });
  return examine(planOf(config, server, context.env), {
    cluster: new ApiReadings({ client, credentials, clock }),
    nowWallMs: () => clock.now().wallMs,
    timers: systemTimers,
  });
}

function planOf({ lease, pod, publish, timings }: Config, server: string, env: CommandContext['env']): Plan {
  const election = electionKey({ lease, namespace: pod.namespace });
  const service = publish?.service ?? null;
  return {
    ...{ lease, timings, election, server },
    // The host's name stands in for a pod's; only one that was told is looked up.
    pod: env.POD_NAME ? { name: env.POD_NAME, uid: env.POD_UID || null } : null,
    podNamespace: pod.namespace,
    publishers: publish?.publishers ?? [],
    slice: service === null ? null : { name: sliceName(service, election), service },
  };
}

function report(findings: readonly Reported[], asJson: boolean, { stdout }: CommandContext): number {
  const level = worstOf(findings);
  stdout(asJson ? `${JSON.stringify({ version: VERSION, level, findings })}\n` : textOf(findings));
  return EXIT_CODES[level];
}

const LEVEL_WIDTH = 9;

function textOf(findings: readonly Reported[]): string {
  const lines = findings.flatMap(({ code, level, message, remedy }) => [
    `${level.padEnd(LEVEL_WIDTH)}${code}  ${message}\n`,
    ...(remedy === null ? [] : [`${' '.repeat(LEVEL_WIDTH)}→ ${remedy}\n`]),
  ]);
  const count = (level: Level, word: string) => {
    const number = findings.filter((finding) => finding.level === level).length;
    return `${number === 0 ? 'no' : number} ${word}${number === 1 ? '' : 's'}`;
  };
  return `${lines.join('')}\n${count('error', 'error')}, ${count('warning', 'warning')}\n`;
}

/** What goes wrong is a finding, and told once. */
const SILENT: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {} };

/** A command that ends at once has nobody to count for. */
const UNCOUNTED: Metrics = {
  request() {},
  renewed() {},
  renewalFailed() {},
  slowPath() {},
  started() {},
  stopped() {},
  watchRestarted() {},
  watching() {},
  candidacy() {},
  applicationHealthy() {},
  unclaimed() {},
  eventDropped() {},
};

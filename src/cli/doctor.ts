import { DOCTOR_OPTIONS } from '../config/doctor-options.ts';
import { type Config, type LoadedConfig, loadConfig } from '../config/load.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import type { RUN_OPTIONS } from '../config/run-options.ts';
import type { ExaminationPorts, Plan, Reported } from '../doctor/index.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiReadings } from '../kube/cluster-readings.ts';
import { KubeConfigError, type LoadedKubeConfig, loadKubeConfig, withoutUserInfo } from '../kube/kubeconfig.ts';
import { OwnedObjects } from '../kube/owned-objects.ts';
import { type Owning, owningWorkload } from '../naming/owning-workload.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import { VERSION } from '../version.ts';
import { configSources, kubeconfigSource } from './config-sources.ts';
import type { Command, CommandContext } from './context.ts';
import { envOfPlan, namespaceSource, planOf, podOf } from './doctor-plan.ts';
import { leaseOf } from './lease-name.ts';
import { quietClient } from './quiet-client.ts';

/** To load by: all of `run`'s options, and others that the configuration does not hold. */
const TABLE = DOCTOR_OPTIONS as unknown as typeof RUN_OPTIONS;

/**
 * `leasegate doctor`: looks for what would keep `leasegate run` from working, and changes nothing. Exit code 0: no error found,
 * though maybe warnings; 1: errors; 2: options or kubeconfig are such that nothing could be looked at, or it was
 * interrupted.
 */
export const doctor: Command = async (argv, context) => {
  const { examine, examineUnnamed, judgeUnnamed, jsonOf, textOf, worstOf } = await import('../doctor/index.ts');
  const { values } = parseOptions(DOCTOR_OPTIONS, { argv, env: context.env });
  const asJson = values.output === 'json';
  const unusable = (findings: readonly Reported[], text: string): number => {
    if (asJson) context.stdout(jsonOf(VERSION, findings));
    else context.stderr(text);
    return 2;
  };
  const failed = (code: string, message: string, remedy: string): number =>
    unusable([{ code, level: 'error', message, remedy, rule: null }], `leasegate: ${code} ${message}; ${remedy}\n`);
  try {
    const loaded = loadConfig(
      { ...configSources(argv, context, values.context), env: envOfPlan(values, context.env) },
      TABLE,
    );
    if (!loaded.ok) return unusable(loaded.problems.map(ofOption), formatProblems(loaded.problems));
    const { config } = loaded;
    const kube = loadKubeConfig(kubeconfigSource(config.kubeconfig, context, values.context));
    const namespaceFrom = namespaceSource(values, context);
    const { ports, client } = portsOf(kube);
    const server = withoutUserInfo(kube.server);
    const look = async () => {
      const pod = podOf(values, context.env);
      const { lease, derived } = await nameOf(config, pod, client);
      if (lease === null) {
        const unnamed = judgeUnnamed(derived, pod?.from ?? null);
        return examineUnnamed({ server, timings: config.timings }, unnamed, ports);
      }
      const circumstances = { server, namespaceFrom, given: values, env: context.env, derived };
      const leaseNameOf = derived?.workload ?? null;
      return examine(planOf({ ...config, lease, leaseNameOf }, circumstances), ports);
    };
    const findings = await Promise.race([look(), interruption(context)]);
    if (findings === null) {
      return failed(
        'INTERRUPTED',
        'nothing was changed, and not all was looked at',
        'run it again: it takes 30 s at most',
      );
    }
    context.stdout(asJson ? jsonOf(VERSION, findings) : textOf(findings));
    return worstOf(findings) === 'error' ? 1 : 0;
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    return failed(error.code, error.message, error.remedy);
  }
};

/** Null, as soon as it is told to end. */
function interruption(context: CommandContext): Promise<null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  context.onSignal(() => resolve(null));
  return promise;
}

function ofOption({ code, option, value, message, remedy }: Problem): Reported {
  const subject = value === null ? option : `${option} ${JSON.stringify(value)}`;
  return { code, level: 'error', message: `${subject}: ${message}`, remedy, rule: null };
}

function portsOf(kube: LoadedKubeConfig): { readonly ports: ExaminationPorts; readonly client: KubeClient } {
  const clock = systemClock;
  const { client, credentials } = quietClient(kube);
  return { client, ports: { cluster: new ApiReadings({ client, credentials, clock }), clock, timers: systemTimers } };
}

type Derived = Extract<Owning, { kind: 'found' }>;

/** The Lease, and of what its name was made; or why it has none. As a replica in this pod would. */
async function nameOf(
  { lease, pod: { namespace } }: LoadedConfig,
  pod: Plan['pod'],
  client: KubeClient,
): Promise<
  | { readonly lease: Config['lease']; readonly derived: Derived | null }
  | { readonly lease: null; readonly derived: Exclude<Owning, Derived> | null }
> {
  if ('name' in lease) return { lease, derived: null };
  if (pod === null) return { lease: null, derived: null };
  const objects = new OwnedObjects(client, namespace, READING_TIMEOUT_MS);
  const owning = await owningWorkload({ namespace, name: pod.name }, objects);
  if (owning.kind !== 'found') return { lease: null, derived: owning };
  return { lease: leaseOf(lease.namePrefix, owning.workload, lease.namespace), derived: owning };
}

const READING_TIMEOUT_MS = 4_000;

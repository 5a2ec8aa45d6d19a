import { DOCTOR_OPTIONS } from '../config/doctor-options.ts';
import { loadConfig } from '../config/load.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems, type Problem } from '../config/problem.ts';
import type { RUN_OPTIONS } from '../config/run-options.ts';
import type { ExaminationPorts, Reported } from '../doctor/index.ts';
import { ApiReadings } from '../kube/cluster-readings.ts';
import { KubeConfigError, type LoadedKubeConfig, loadKubeConfig, withoutUserInfo } from '../kube/kubeconfig.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import { VERSION } from '../version.ts';
import { configSources, kubeconfigSource } from './config-sources.ts';
import type { Command, CommandContext } from './context.ts';
import { envOfPlan, namespaceSource, planOf } from './doctor-plan.ts';
import { quietClient } from './quiet-client.ts';

/** To load by: all of `run`'s options, and others that the configuration does not hold. */
const TABLE = DOCTOR_OPTIONS as unknown as typeof RUN_OPTIONS;

/**
 * `leasegate doctor`: looks for what would keep `leasegate run` from working, and changes nothing. Exit code 0: no error found,
 * though maybe warnings; 1: errors; 2: options or kubeconfig are such that nothing could be looked at, or it was
 * interrupted.
 */
export const doctor: Command = async (argv, context) => {
  const { examine, jsonOf, textOf, worstOf } = await import('../doctor/index.ts');
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
    const plan = planOf(config, {
      server: withoutUserInfo(kube.server),
      namespaceFrom,
      given: values,
      env: context.env,
    });
    const findings = await Promise.race([examine(plan, portsOf(kube)), interruption(context)]);
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

function portsOf(kube: LoadedKubeConfig): ExaminationPorts {
  const clock = systemClock;
  const { client, credentials } = quietClient(kube);
  return { cluster: new ApiReadings({ client, credentials, clock }), clock, timers: systemTimers };
}

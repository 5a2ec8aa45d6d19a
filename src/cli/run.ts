import { setImmediate } from 'node:timers/promises';
import { createApi } from '../api/api.ts';
import type { ServedElection } from '../api/elections.ts';
import { type Listener, listen } from '../api/listen.ts';
import { createMetrics } from '../api/metrics.ts';
import { formatAddress } from '../config/address.ts';
import { type Config, loadConfig } from '../config/load.ts';
import { formatProblems } from '../config/problem.ts';
import type { ProtocolServer } from '../gateway/protocol.ts';
import { KubeClient } from '../kube/client.ts';
import { Credentials } from '../kube/credentials.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { KubeConfigError, type LoadedKubeConfig, loadKubeConfig, withoutUserInfo } from '../kube/kubeconfig.ts';
import { wouldLead } from '../leadership/control.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import { delay } from '../ports/delay.ts';
import { ListenError } from '../ports/listen-error.ts';
import { VERSION } from '../version.ts';
import { configSources, kubeconfigSource } from './config-sources.ts';
import type { CommandContext } from './context.ts';
import { openCoordination } from './coordinated.ts';
import { type Election, prepareElection } from './election.ts';
import { closeGateway, holderAddress, openGateway } from './gateway.ts';
import { allOf, followHealth } from './health.ts';
import { nameLease } from './lease-name.ts';
import { createLog } from './log.ts';
import { openMembership } from './members.ts';
import { signalMsMax, startNotifying } from './notify.ts';
import { startPublishing } from './publish.ts';
import { openShares } from './shares.ts';
import { FAREWELL_MS_MAX, forwardingMsMax, stopMsMax, workStopMsMax } from './shutdown.ts';
import { putsOffTheEnd, type WaitEnd, waitBeforeTheEnd } from './shutdown-wait.ts';
import type { Signal } from './signals.ts';
import { processMemory, spareMemory } from './spare-memory.ts';

/** `leasegate run`: the sidecar. Ends on SIGTERM, or at once (2) when it can't be configured, or (1) can't listen. */
export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    return await configureAndServe(argv, context);
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    context.stderr(`leasegate: ${error.code} ${error.message}; ${error.remedy}\n`);
    return 2;
  }
}

async function configureAndServe(argv: readonly string[], context: CommandContext): Promise<number> {
  const loaded = loadConfig(configSources(argv, context));
  if (!loaded.ok) {
    context.stderr(formatProblems(loaded.problems));
    return 2;
  }
  const kube = loadKubeConfig(kubeconfigSource(loaded.config.kubeconfig, context));
  try {
    const named = await nameLease(loaded.config, kube, context);
    return 'config' in named ? await serve(named.config, kube, context) : named.exitCode;
  } catch (error) {
    return reportListenError(error, context);
  }
}

async function serve(config: Config, kube: LoadedKubeConfig, context: CommandContext): Promise<number> {
  const log = createLog(config.logLevel, (line) => context.stdout(line));
  const clock = systemClock;
  const timers = systemTimers;
  const random = Math.random;
  const { timings } = config;
  const drainMs = config.gateway?.drainMs ?? 0;

  const metrics = createMetrics({ version: VERSION });
  // Elections that were won together are renewed together.
  const idleConnectionsMax = config.leases.length + 1;
  const transport = new HttpTransport(kube.server, new Credentials(kube, clock, log), { idleConnectionsMax });
  const client = new KubeClient({ transport, clock, metrics, log });
  const ports = { client, metrics, clock, timers, random, log };
  const prepared = config.leases.map((lease) => prepareElection(lease, config, ports));
  // What can go by one election only goes by the first.
  const { leadership, events } = prepared[0]!;

  let exitCode = 0;
  let stopping = false;
  let signalledAtMonoMs = 0;
  let gateway: ProtocolServer | null = null;
  let campaigning: readonly Election[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const stop = (signal: Signal, after?: WaitEnd): void => {
    log.info({ code: 'STOPPING', signal, after }, `${signal}: stops work and frees the Lease`);
    stopping = true;
    signalledAtMonoMs = clock.now().monoMs;
    gateway?.retire();
    end();
  };
  context.onSignal((signal) => {
    const { shutdown } = config;
    if (campaigning.length === 0 || !putsOffTheEnd(shutdown)) return stop(signal);
    log.info({ code: 'STOP_PUT_OFF', signal, ...shutdown }, `${signal}: the application may end first`);
    const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
    const endImpatience = context.onImpatience(interrupt);
    for (const { runner } of campaigning) runner.retire();
    void waitBeforeTheEnd(shutdown, { timers, interrupted }).then((after) => {
      endImpatience();
      if (after === 'limit') log.warn({ code: 'STOP_PORT_OPEN' }, 'the application did not close its port in time');
      stop(signal, after);
    });
  });
  const notifying = config.notify && (await startNotifying(config.notify, timings, prepared, { ...ports, leadership }));
  const gatewayPorts = { leadership, clock, timers, log, metrics, memory: processMemory };
  gateway = config.gateway && (await openGateway(config.gateway, gatewayPorts));
  const address = holderAddress(config.pod, gateway);
  const endWithError = () => {
    exitCode = 1;
    end();
  };
  const coordination = await openCoordination(config, { ...ports, leadership, onUnavailable: endWithError });
  if (coordination) metrics.withCandidate(coordination);
  const elections = prepared.map((election) => {
    const isFirst = election.leadership === leadership;
    return election.open({
      // The peer listener serves only whoever leads the first election.
      holderAddress: isFirst ? address : config.pod.ip,
      drainMsMax: isFirst ? workStopMsMax(drainMs) + signalMsMax(config.notify) : workStopMsMax(0),
      coordination: isFirst ? coordination : null,
      onFatal: endWithError,
    });
  });

  const membersPorts = {
    ...{ leadership, client, clock, timers, random, log, version: VERSION, address },
    campaigns: () => elections.flatMap(({ lease, runner }) => (wouldLead(runner.candidacy()) ? lease.name : [])),
  };
  const membership = config.members && (await openMembership(config.members, config, membersPorts));
  if (membership) metrics.withMembers(membership);
  const api = createApi({
    elections: [servedBy(elections[0]!), ...elections.slice(1).map(servedBy)],
    metrics,
    membership,
    log,
  });
  const listeners: Listener[] = [];
  try {
    listeners.push(
      await listen(api.local, {
        ...config.apiListen,
        option: 'LEASEGATE_API_LISTEN (--api-listen)',
        log,
        quickAnswers: api.quickAnswers,
      }),
      await listen(api.probe, { ...config.probeListen, option: 'LEASEGATE_PROBE_LISTEN (--probe-listen)', log }),
    );
  } catch (error) {
    await gateway?.close(0);
    throw error;
  }
  const endHealth =
    config.appHealth &&
    (await followHealth(config.appHealth, allOf(elections.map(({ runner }) => runner)), { clock, timers, log }));
  const publishPorts = { leadership, client, events, metrics, clock, timers, random, log };
  const publishing = config.publish && (await startPublishing(config.publish, config, publishPorts));
  const sharePorts = { clock, timers, random, log };
  const shares =
    config.fairShare && membership && (await openShares(elections, timings, { membership, ...sharePorts }));
  // A turn of the event loop, which delivers a signal that came during all this.
  await setImmediate();
  if (!stopping) {
    const [local, probe] = listeners.map(formatAddress);
    const listening = {
      ...{ local, probe },
      ...(gateway !== null && { gateway: formatAddress(gateway.listen) }),
      ...(gateway?.peerListen && { peers: formatAddress(gateway.peerListen) }),
    };
    const started = {
      ...{ version: VERSION, identity: leadership.identity, lease: config.lease, timings },
      ...(elections.length > 1 && { leases: config.leases.map(({ name }) => name) }),
      ...(config.leaseNameOf !== null && { workload: config.leaseNameOf }),
      server: withoutUserInfo(kube.server),
      listen: listening,
    };
    log.info({ code: 'STARTED', ...started }, config.candidacy.neverLead ? 'follows' : 'campaigns');
    campaigning = elections;
    // Before the first Lease is seen: what is free at the start is shared, too.
    if (shares) shares.start();
    for (const { runner } of elections) runner.start();
    coordination?.start();
    membership?.start();
  }

  // The gateway's load comes and goes; without one there is none.
  const endSparing = gateway === null ? () => {} : spareMemory(processMemory, timers);
  await ended;
  endSparing();
  endHealth?.();
  if (shares) shares.close();
  const limitMs = stopMsMax(timings, drainMs) + signalMsMax(config.notify);
  await Promise.all(
    elections.map(async (election) => {
      // Requests that this replica brings to another need to know who leads, until the last of them has ended.
      const keepWatching = gateway !== null && election.leadership === leadership;
      const stopped = election.runner.stop({ keepWatching }).then(() => true);
      if (await Promise.race([stopped, delay(limitMs, timers).then(() => false)])) return;
      election.log.warn(
        { code: 'STOP_SLOW', limitMs },
        'the Lease could not be freed in time and will expire by itself',
      );
    }),
  );
  const farewellMs = forwardingMsMax(drainMs, clock.now().monoMs - signalledAtMonoMs);
  api.close();
  const endElections = () => {
    for (const { runner } of elections) runner.end();
  };
  const farewell = [
    notifying?.close(),
    membership?.leave(FAREWELL_MS_MAX),
    coordination?.leave(FAREWELL_MS_MAX),
    gateway && closeGateway(gateway, farewellMs, timers).then(endElections),
    ...elections.map((election) => election.events.settled()),
    ...listeners.map((listener) => listener.close(FAREWELL_MS_MAX / 2)),
  ];
  await Promise.race([Promise.all(farewell), delay(farewellMs, timers)]);
  publishing?.close();
  endElections();
  return exitCode;
}

/** What the API serves of an election. */
function servedBy({ leadership, runner, candidates }: Election): ServedElection {
  return { leadership, control: runner, health: runner, candidates };
}

function reportListenError(error: unknown, { stderr }: CommandContext): number {
  if (!(error instanceof ListenError)) throw error;
  stderr(`leasegate: ${error.code} ${error.message}\n`);
  return 1;
}

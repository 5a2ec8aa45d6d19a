import type { Hazard } from './hazards.ts';
import type { InjectOptions } from './options.ts';
import { Refused } from './report.ts';
import type { Settings } from './settings.ts';
import { SIDECAR, TOKEN_VOLUME } from './sidecar.ts';
import { containersOf, type Workload } from './workload.ts';

/** What makes a pod unfit for the sidecar. @throws Refused */
export function refuseUnfit(workload: Workload, { ports }: Settings): void {
  const { podSpec, manifest } = workload;
  const refuse = (code: ConstructorParameters<typeof Refused>[0], message: string, remedy: string): never => {
    throw new Refused(code, manifest.start, message, remedy);
  };
  if (!Array.isArray(podSpec.containers) || podSpec.containers.length === 0) {
    refuse('UNUSUAL_SHAPE', 'its pod has no containers', 'give it one');
  }
  const windows = podSpec.nodeSelector?.['kubernetes.io/os'] === 'windows' || podSpec.os?.name === 'windows';
  if (windows)
    refuse('WINDOWS_NODES', 'its pods run on Windows nodes, for which there is no image', 'leave it out (--only)');
  const containers = containersOf(workload);
  if (containers.some(({ name }) => name === SIDECAR)) {
    refuse(
      'SIDECAR_EXISTS',
      `it has a container named ${SIDECAR} already, not from here`,
      'take that out, or leave the workload out (--only)',
    );
  }
  const volumes: unknown = podSpec.volumes;
  if (Array.isArray(volumes) && volumes.some((volume) => volume?.name === TOKEN_VOLUME)) {
    refuse('NAME_TAKEN', `it has a volume named ${TOKEN_VOLUME} already`, 'give that another name');
  }
  const own = new Map<number, string>([
    [ports.api, 'LEASEGATE_API_LISTEN=127.0.0.1:'],
    [ports.probe, 'LEASEGATE_PROBE_LISTEN=:'],
  ]);
  if (ports.peer !== null) own.set(ports.peer, 'LEASEGATE_GATEWAY_PEER_LISTEN=:');
  if (ports.gateway !== null) own.set(ports.gateway, '');
  for (const container of containers) {
    for (const port of Array.isArray(container.ports) ? container.ports : []) {
      const setting = own.get(port?.containerPort);
      if (setting === undefined || (port.protocol ?? 'TCP') !== 'TCP') continue;
      const free = port.containerPort + 10;
      const remedy = setting === '' ? 'choose another in --gateway' : `move ours: --set ${setting}${free}`;
      refuse(
        'PORT_TAKEN',
        `its container ${container.name} has port ${port.containerPort}, which the sidecar would listen on`,
        remedy,
      );
    }
  }
}

/** What deserves a look. */
export function podWarnings({ podSpec, replicas }: Workload, { gateway }: InjectOptions, settings: Settings): Hazard[] {
  const { ports, graceSeconds } = settings;
  const warnings: Hazard[] = [];
  if (podSpec.hostNetwork === true) {
    const used = [ports.api, ports.probe, ports.gateway, ports.peer].filter((port) => port !== null).join(', ');
    warnings.push({
      code: 'HOST_NETWORK_PORTS',
      message: `with hostNetwork the sidecar takes the ports ${used} of the node itself: one such pod per node, and whatever runs on the node's network reaches its local API`,
      remedy:
        'if they are taken, choose others: --set LEASEGATE_API_LISTEN=127.0.0.1:PORT --set LEASEGATE_PROBE_LISTEN=:PORT',
    });
  }
  const grace = podSpec.terminationGracePeriodSeconds ?? 30;
  if (typeof grace === 'number' && grace < graceSeconds) {
    warnings.push({
      code: 'GRACE_TOO_SHORT',
      message: `terminationGracePeriodSeconds is ${grace}, and the application and the sidecar may need up to ${graceSeconds} s to end in order`,
      remedy: `set it to ${graceSeconds} and what the application itself needs`,
    });
  }
  if (replicas === 1) {
    warnings.push({
      code: 'NO_STANDBY',
      message: 'it has one replica: when that is gone, nobody takes over before it is back',
      remedy: 'set spec.replicas to 2 or more, unless an autoscaler does',
    });
  }
  if (gateway !== null) {
    warnings.push({
      code: 'APP_PORT_ON_LOOPBACK',
      message: `the gateway protects the application only where nobody reaches port ${gateway.target} past it`,
      remedy: `let the application listen on 127.0.0.1:${gateway.target}, and give it exec probes: the kubelet does not reach it there either`,
    });
  }
  return warnings;
}

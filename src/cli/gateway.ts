import type { MetricsWithGateway } from '../api/metrics.ts';
import { GATEWAY_OPTIONS } from '../config/gateway-options.ts';
import type { Config, GatewayConfig } from '../config/load.ts';
import { labelOf } from '../config/option.ts';
import type { GatewayOptions } from '../gateway/gateway.ts';
import { formatPeerAddress } from '../gateway/peer-address.ts';
import type { ProtocolServer } from '../gateway/protocol.ts';
import type { Timers } from '../ports/clock.ts';
import { delay } from '../ports/delay.ts';
import { boundPassingBytes, type ProcessMemory } from './spare-memory.ts';

/** Starts the gateway that the options ask for. Its code is loaded only then. Rejects with a `ListenError`. */
export async function openGateway(
  config: GatewayConfig,
  {
    metrics,
    memory,
    ...ports
  }: Omit<GatewayOptions, 'protocol' | 'drainMs' | 'metrics'> & {
    readonly metrics: MetricsWithGateway;
    readonly memory: ProcessMemory;
  },
): Promise<ProtocolServer> {
  const counted = metrics.withGateway();
  const passed = boundPassingBytes(memory);
  const { startGateway } = await import('../gateway/gateway.ts');
  const { protocol, listen, peerListen, target, standby, drainMs, forwardWaitMs, connectionsMax, accessLog } = config;
  const common = {
    listen: { ...listen, option: labelOf(GATEWAY_OPTIONS.gatewayListen) },
    peerListen: peerListen && { ...peerListen, option: labelOf(GATEWAY_OPTIONS.gatewayPeerListen) },
    ...{ target, standby, forwardWaitMs, connectionsMax, accessLog },
  };
  return startGateway({
    ...ports,
    metrics: {
      ...counted,
      bytes: (direction, count) => {
        counted.bytes(direction, count);
        passed(count);
      },
    },
    drainMs,
    protocol:
      protocol === 'http' ? { kind: 'http', ...common, ...config.http } : { kind: 'tcp', ...common, ...config.tcp },
  });
}

/** What the leader's Lease says of where it is: with a peer listener that, else only the pod's address. */
export function holderAddress(pod: Config['pod'], gateway: ProtocolServer | null): string | null {
  if (pod.ip === null || !gateway?.peerListen) return pod.ip;
  return formatPeerAddress({ host: pod.ip, port: gateway.peerListen.port });
}

/** Endpoints that are withdrawn from a Service are still used for a moment. */
const LINGER_MS_MAX = 1_000;

/**
 * Ends it within `withinMs`. One that forwards goes on taking connections for a moment first: its clients may not have heard
 * yet that this replica goes.
 */
export async function closeGateway(gateway: ProtocolServer, withinMs: number, timers: Timers): Promise<void> {
  const lingerMs = gateway.peerListen === null ? 0 : Math.min(LINGER_MS_MAX, withinMs / 2);
  if (lingerMs > 0) await delay(lingerMs, timers);
  await gateway.close(withinMs - lingerMs);
}

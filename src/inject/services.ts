import { ELECTION_LABEL, ROLE_LABEL } from '../publish/names.ts';
import type { Change } from './change.ts';
import type { Manifest, ObjectValue } from './manifests.ts';
import type { InjectOptions } from './options.ts';
import { type Code, Refused } from './report.ts';
import { containersOf, type Workload } from './workload.ts';

/** What a Service is told, so that it leads to the leader. */
export interface ServicePlan {
  readonly manifest: Manifest | null;
  readonly changes: readonly Change[];
  readonly findings: readonly { readonly code: Code; readonly message: string; readonly remedy: string | null }[];
}

/** @throws Refused where the Service can't be what is asked of it */
export function planService(manifests: readonly Manifest[], workload: Workload, options: InjectOptions): ServicePlan {
  const { service, publish, gateway } = options;
  if (service === null) return { manifest: null, changes: [], findings: adviceWithoutService(options) };
  const manifest = manifests.find(({ value }) => isService(value, service, workload.namespace)) ?? null;
  if (manifest === null) {
    return { manifest, changes: [], findings: [{ code: 'SERVICE_NOT_IN_INPUT', ...absence(service, options) }] };
  }
  const spec: ObjectValue = manifest.value.spec ?? {};
  const selects = Object.keys(spec.selector ?? {}).length > 0;
  refuseStranger(manifest, workload, spec, service);
  const unsuitable = unsuitableFor(spec, workload, options);
  const hazards = unsuitable === null ? [] : [{ code: 'SERVICE_UNSUITABLE' as const, ...unsuitable }];
  if (publish.includes('endpointslice')) {
    if (!selects) return { manifest, changes: [], findings: [...hazards, ...portAdvice(service, spec)] };
    throw new Refused(
      'SERVICE_HAS_SELECTOR',
      manifest.start,
      `Service ${service} has a selector: Kubernetes makes endpoints of its own for it`,
      'take spec.selector out, or name another Service without one, or publish by label',
    );
  }
  const changes: Change[] = [];
  const told: string[] = [];
  const findings: { code: Code; message: string; remedy: string | null }[] = [...hazards];
  if (publish.includes('label') && spec.selector?.[ROLE_LABEL] !== 'leader') {
    changes.push({
      kind: 'under',
      path: ['spec'],
      key: 'selector',
      entry: { kind: 'pair', key: ROLE_LABEL, value: 'leader' },
    });
    told.push(`selects ${ROLE_LABEL}=leader`);
  }
  if (gateway !== null) {
    const moved = portChanges(spec, workload, gateway);
    changes.push(...moved);
    if (moved.length > 0) told.push(`leads to the gateway's port ${gateway.listen}`);
    else {
      findings.push({
        code: 'SERVICE_PORT_UNMATCHED',
        message: `no port of Service ${service} leads to port ${gateway.target} of the pods`,
        remedy: `set the targetPort of what shall pass the gateway to ${gateway.listen}`,
      });
    }
  }
  if (changes.length > 0) findings.push({ code: 'SERVICE_ROUTED', message: `now ${told.join(' and ')}`, remedy: null });
  return { manifest, changes, findings };
}

/** A Service of other pods would lose its endpoints, or lead to a port that they don't have. @throws Refused */
function refuseStranger(manifest: Manifest, { podLabels }: Workload, { selector }: ObjectValue, service: string): void {
  const { [ROLE_LABEL]: _, ...own } = (selector ?? {}) as Record<string, unknown>;
  const other = Object.entries(own).find(([key, value]) => key !== ELECTION_LABEL && podLabels[key] !== value);
  if (other === undefined) return;
  throw new Refused(
    'SERVICE_OF_OTHERS',
    manifest.start,
    `Service ${service} selects ${other.join('=')}, which these pods are not`,
    'name the Service that leads to them',
  );
}

/** Why a Service would not do what it is meant to. */
function unsuitableFor(
  { type, clusterIP, internalTrafficPolicy, externalTrafficPolicy }: ObjectValue,
  { spec }: Workload,
  { service, publish }: InjectOptions,
): { message: string; remedy: string } | null {
  if (type === 'ExternalName') {
    return {
      message: `Service ${service} is an ExternalName, which leads to no pods`,
      remedy: 'name one of another type',
    };
  }
  const slices = publish.includes('endpointslice');
  if (clusterIP === 'None' && !slices) {
    const governs = spec.serviceName === service ? `: it gives the pods of the StatefulSet their names` : '';
    return {
      message: `Service ${service} is headless${governs}; clients find all pods by it, and at their own ports`,
      remedy: 'make another Service for the leader, and name that',
    };
  }
  if (slices && [internalTrafficPolicy, externalTrafficPolicy].includes('Local')) {
    return {
      message: `Service ${service} leads to pods of the same node only (trafficPolicy Local), and the slice names no node`,
      remedy: 'set its traffic policies to Cluster, or publish by label',
    };
  }
  return null;
}

function isService({ apiVersion, kind, metadata }: ObjectValue, name: string, namespace: string | undefined): boolean {
  const elsewhere = metadata?.namespace !== undefined && namespace !== undefined && metadata.namespace !== namespace;
  return apiVersion === 'v1' && kind === 'Service' && metadata?.name === name && !elsewhere;
}

/** The ports that lead to the application: by number, by the name of its port, or by being the same where nothing is said. */
function portChanges(
  { ports }: ObjectValue,
  workload: Workload,
  { listen, target }: { listen: number; target: number },
): Change[] {
  const names = containersOf(workload)
    .flatMap((container) => (Array.isArray(container.ports) ? container.ports : []))
    .filter((port) => port?.containerPort === target && port.name !== undefined)
    .map((port) => port.name as string);
  return (Array.isArray(ports) ? ports : []).flatMap((each: ObjectValue, index): Change[] => {
    const path = ['spec', 'ports', index];
    const wanted = each?.targetPort;
    if (wanted === undefined && each?.port === target)
      return [{ kind: 'pair', path, key: 'targetPort', value: listen }];
    const meant = wanted === target || names.includes(wanted);
    return meant ? [{ kind: 'scalar', path, key: 'targetPort', value: listen }] : [];
  });
}

/** Without a selector there are no pods in which a port could be looked up by its name. */
function portAdvice(service: string, { ports }: ObjectValue): ServicePlan['findings'] {
  const named = (Array.isArray(ports) ? ports : [])
    .map((port) => port?.targetPort)
    .filter((port) => typeof port === 'string');
  return named.map((port) => ({
    code: 'SERVICE_PORT_UNMATCHED',
    message: `the targetPort ${port} of Service ${service} is a name, which can't be looked up without a selector`,
    remedy: 'write its number',
  }));
}

function adviceWithoutService({ publish, gateway }: InjectOptions): ServicePlan['findings'] {
  const label = publish.includes('label');
  if (!label && gateway === null) return [];
  const message = 'no Service was named, so that none was changed';
  const todo = [
    ...(label ? [`add ${ROLE_LABEL}: leader to the selector of the Service that shall lead to the leader`] : []),
    ...(gateway === null ? [] : [`set its targetPort to ${gateway.listen}`]),
  ];
  return [{ code: 'SERVICE_NOT_IN_INPUT', message, remedy: `${todo.join(', and ')}, or name it: --service NAME` }];
}

function absence(service: string, { publish, gateway }: InjectOptions): { message: string; remedy: string } {
  const todo = publish.includes('endpointslice')
    ? ['let it have no selector']
    : [
        ...(publish.includes('label') ? [`add ${ROLE_LABEL}: leader to its selector`] : []),
        ...(gateway === null ? [] : [`set its targetPort to ${gateway.listen}`]),
      ];
  return {
    message: `Service ${service} is not in the input`,
    remedy: `${todo.join(', and ')}; or give it to inject as well`,
  };
}

import { isIPv6 } from 'node:net';
import type { Endpoint, EndpointPort, EndpointSlice, Patch, PublishFailure, Service } from '../ports/publisher.ts';
import { ELECTION_LABEL, MANAGER, TOKEN_ANNOTATION } from './names.ts';

/** Where the leader is to be found. */
export interface LeaderEndpoint {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly ip: string;
}

export interface SliceNames {
  readonly slice: string;
  readonly service: string;
  readonly election: string;
}

/** What stands in a Service's way to be published for, or null. */
export function serviceProblem(service: Service): PublishFailure | null {
  const { name } = service.metadata;
  const { selector, type, ports = [] } = service.spec ?? {};
  if (type === 'ExternalName') {
    return problem('service-external', `Service ${name} is of type ExternalName`, 'name a Service of another type');
  }
  if (selector !== undefined && Object.keys(selector).length > 0) {
    const message = `Service ${name} has a selector: Kubernetes gives it endpoints of its own`;
    return problem('service-selector', message, `remove spec.selector of Service ${name}, or name another one`);
  }
  if (ports.length === 0) return problem('service-ports', `Service ${name} has no ports`, 'give it one');
  const named = ports.find(({ targetPort }) => typeof targetPort === 'string' && !/^\d+$/.test(targetPort));
  if (named === undefined) return null;
  const message = `Service ${name} has the named targetPort ${JSON.stringify(named.targetPort)}, and no pod to look it up in`;
  return problem('service-ports', message, 'write its number');
}

/** What stands in a present slice's way to hold the leader's address, or null. */
export function sliceProblem(slice: EndpointSlice, leader: LeaderEndpoint): PublishFailure | null {
  const { addressType, metadata } = slice;
  if (addressType === addressTypeOf(leader)) return null;
  const message = `EndpointSlice ${metadata.name} is for ${addressType} addresses for ever, and the leader has ${leader.ip}`;
  return problem('slice-family', message, `delete EndpointSlice ${metadata.name}: it is made anew`);
}

/** A new slice with the leader's address and nothing else. */
export function newSlice(service: Service, leader: LeaderEndpoint, names: SliceNames, token: string): Patch {
  const { slice, service: serviceName, election } = names;
  const headless = service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {};
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: slice,
      namespace: leader.namespace,
      labels: {
        'kubernetes.io/service-name': serviceName,
        'endpointslice.kubernetes.io/managed-by': MANAGER,
        [ELECTION_LABEL]: election,
        ...headless,
      },
      annotations: { [TOKEN_ANNOTATION]: token },
      // It goes with its Service.
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: serviceName, uid: service.metadata.uid }],
    },
    addressType: addressTypeOf(leader),
    endpoints: [endpointOf(leader)],
    ports: portsOf(service),
  };
}

/** What is to be changed so that the slice holds the leader's address and nothing else; null: it does. */
export function leadPatch(
  slice: EndpointSlice,
  service: Service,
  leader: LeaderEndpoint,
  names: SliceNames,
  token: string,
): Patch | null {
  const wanted = newSlice(service, leader, names, token) as {
    metadata: Patch & { labels: Record<string, string>; annotations: Patch; ownerReferences: { uid: string }[] };
  };
  const { labels, annotations, ownerReferences } = wanted.metadata;
  const { metadata } = slice;
  const inOrder =
    holdsOnly(slice, leader) &&
    samePorts(slice.ports ?? [], portsOf(service)) &&
    metadata.annotations?.[TOKEN_ANNOTATION] === token &&
    Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value) &&
    metadata.ownerReferences?.some(({ uid }) => uid === ownerReferences[0]?.uid);
  if (inOrder) return null;
  return {
    metadata: { ...ofThisVersion(slice), labels, annotations, ownerReferences },
    endpoints: [endpointOf(leader)],
    ports: portsOf(service),
  };
}

/** What takes this pod's address out of the slice; null: it is not in it. */
export function withdrawPatch(slice: EndpointSlice, own: LeaderEndpoint): Patch | null {
  const endpoints = slice.endpoints ?? [];
  const others = endpoints.filter((endpoint) => !isAt(endpoint, own));
  return others.length === endpoints.length ? null : { metadata: ofThisVersion(slice), endpoints: others };
}

/** What changes the slice's version and nothing else, so that whatever was sent for the present one fails. */
export function fencePatch(slice: EndpointSlice, token: string): Patch {
  return { metadata: { ...ofThisVersion(slice), annotations: { [TOKEN_ANNOTATION]: token } } };
}

/** Whether it holds the leader's address, ready, and no other. Ports and labels aside. */
export function holdsOnly({ endpoints }: EndpointSlice, leader: LeaderEndpoint): boolean {
  const [only, ...others] = endpoints ?? [];
  if (only === undefined || others.length > 0) return false;
  const { addresses, conditions, targetRef } = only;
  return (
    addresses.length === 1 &&
    addresses[0] === leader.ip &&
    conditions?.ready === true &&
    targetRef?.uid === leader.podUid
  );
}

/** By address only where no pod is named: pods on the host's network share theirs. */
function isAt({ addresses, targetRef }: Endpoint, { ip, podUid }: LeaderEndpoint): boolean {
  return targetRef?.uid === undefined ? addresses.includes(ip) : targetRef.uid === podUid;
}

function endpointOf({ ip, namespace, pod, podUid }: LeaderEndpoint): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', namespace, name: pod, uid: podUid },
  };
}

function addressTypeOf({ ip }: LeaderEndpoint): string {
  return isIPv6(ip) ? 'IPv6' : 'IPv4';
}

function portsOf({ spec }: Service): EndpointPort[] {
  return (spec?.ports ?? []).map(({ name = '', protocol = 'TCP', port, targetPort, appProtocol }) => ({
    name,
    protocol,
    port: Number(targetPort ?? port) || port,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
}

function samePorts(present: readonly EndpointPort[], wanted: readonly EndpointPort[]): boolean {
  const text = ({ name = '', protocol = 'TCP', port, appProtocol }: EndpointPort) =>
    JSON.stringify([name, protocol, port, appProtocol]);
  return present.length === wanted.length && present.every((port, index) => text(port) === text(wanted[index]!));
}

function ofThisVersion({ metadata: { uid, resourceVersion } }: EndpointSlice): Patch {
  return { uid, resourceVersion };
}

function problem(code: string, message: string, remedy: string): PublishFailure {
  return { code, request: 'endpointslice', message, remedy, retryAfterMs: null, answered: true, again: 'change' };
}

import { address, isLoopback, overlap, targetAddress } from './address.ts';
import { duration } from './duration.ts';
import { oneOf } from './names.ts';
import { boolean, byteSize, integer } from './numbers.ts';
import type { Options, Relation, Values } from './option.ts';

const group = 'Gateway';
/** Bounds that only keep out what nobody can mean. */
const waiting = duration({ minMs: 0, maxMs: 600_000 });
const timeout = duration({ minMs: 100, maxMs: 3_600_000 });

/** What `leasegate run` takes for its gateway; all of it needs `LEASEGATE_GATEWAY_LISTEN`. */
export const GATEWAY_OPTIONS = {
  gatewayListen: {
    flag: 'gateway-listen',
    env: 'LEASEGATE_GATEWAY_LISTEN',
    type: address(),
    defaultText: 'no gateway',
    group,
    meaning:
      'Where clients connect. Their work reaches the application while this replica leads, and at no other time.',
    danger: 'It does so only if nobody can reach the application past it: let that listen on 127.0.0.1.',
  },
  gatewayTarget: {
    flag: 'gateway-target',
    env: 'LEASEGATE_GATEWAY_TARGET',
    type: targetAddress,
    defaultText: 'required with a gateway',
    group,
    meaning: 'The application of this pod.',
  },
  gatewayProtocol: {
    flag: 'gateway-protocol',
    env: 'LEASEGATE_GATEWAY_PROTOCOL',
    type: oneOf(['http', 'tcp']),
    default: 'http',
    group,
    meaning:
      '`http`: HTTP/1.1, WebSocket and event streams among that, request by request. `tcp`: any protocol, connection by connection.',
  },
  gatewayStandby: {
    flag: 'gateway-standby',
    env: 'LEASEGATE_GATEWAY_STANDBY',
    type: oneOf(['refuse', 'forward']),
    default: 'refuse',
    group,
    meaning:
      'What a replica that does not lead does: `refuse` (503 that names the leader; with `tcp` the connection is closed), or `forward` to the leader.',
  },
  gatewayPeerListen: {
    flag: 'gateway-peer-listen',
    env: 'LEASEGATE_GATEWAY_PEER_LISTEN',
    type: address(),
    default: ':4042',
    group,
    meaning:
      'With `forward`: where other replicas bring work. The leader writes `POD_IP` and this port into the Lease. It serves the local application or refuses, and never forwards.',
    danger: 'What comes here is believed to come from a replica. Let a NetworkPolicy admit only those.',
  },
  gatewayDrain: {
    flag: 'gateway-drain',
    env: 'LEASEGATE_GATEWAY_DRAIN',
    type: waiting,
    default: '10s',
    group,
    meaning:
      'How long running work may go on when leadership is handed over; the Lease is freed after. What takes longer, an open WebSocket say, is cut. New work waits for the next leader meanwhile, or gets 503.',
    danger: '`terminationGracePeriodSeconds` must be 10 s longer than this.',
  },
  gatewayForwardWait: {
    flag: 'gateway-forward-wait',
    env: 'LEASEGATE_GATEWAY_FORWARD_WAIT',
    type: waiting,
    default: '15s',
    group,
    meaning: 'With `forward`: how long work waits, unsent, for a leader that takes it. Then HTTP answers 503.',
    danger:
      'While a leader drains at a hand-over, new work waits for the next one: where this is shorter than the drain, it may get 503.',
  },
  gatewayConnectionsMax: {
    flag: 'gateway-connections-max',
    env: 'LEASEGATE_GATEWAY_CONNECTIONS_MAX',
    type: integer({ min: 1, max: 1_000_000 }),
    default: '16384',
    group,
    meaning: 'Connections of clients at a time, per listener; more are closed.',
    danger: 'Each takes two file descriptors, one of them towards the application, and up to 10 KiB while it is idle.',
  },
  gatewayResponseTimeout: {
    flag: 'gateway-response-timeout',
    env: 'LEASEGATE_GATEWAY_RESPONSE_TIMEOUT',
    type: timeout,
    default: '1m',
    group,
    meaning:
      'With `http`: how long the application may take from the end of a request to the head of its answer; then 504. What follows may take as long as it likes.',
  },
  gatewayForwarded: {
    flag: 'gateway-forwarded',
    env: 'LEASEGATE_GATEWAY_FORWARDED',
    type: oneOf(['replace', 'append']),
    default: 'replace',
    group,
    meaning:
      'With `http`: whether the `X-Forwarded-*` and `Forwarded` headers of clients are dropped, or kept and added to.',
    danger: 'With `append` the application must not believe more of them than the proxies before this one vouch for.',
  },
  gatewayHeaderBytesMax: {
    flag: 'gateway-header-bytes-max',
    env: 'LEASEGATE_GATEWAY_HEADER_BYTES_MAX',
    type: byteSize({ min: 1024, max: 1024 * 1024 }),
    default: '16KiB',
    group,
    meaning: 'With `http`: largest head of a request. Larger ones, and those with more than 256 headers, get 431.',
  },
  gatewayHeadersTimeout: {
    flag: 'gateway-headers-timeout',
    env: 'LEASEGATE_GATEWAY_HEADERS_TIMEOUT',
    type: timeout,
    default: '10s',
    group,
    meaning: 'With `http`: how long the head of a request may take to arrive; then 408.',
  },
  gatewayRequestTimeout: {
    flag: 'gateway-request-timeout',
    env: 'LEASEGATE_GATEWAY_REQUEST_TIMEOUT',
    type: timeout,
    default: '5m',
    group,
    meaning: 'With `http`: how long a whole request, its body included, may take to arrive; then 408.',
  },
  gatewayKeepAlive: {
    flag: 'gateway-keep-alive',
    env: 'LEASEGATE_GATEWAY_KEEP_ALIVE',
    type: timeout,
    default: '1m',
    group,
    meaning: "With `http`: how long a client's connection may wait for its next request.",
    danger: 'A load balancer in front should give up its connections sooner, or it meets closed ones.',
  },
  gatewayProxyProtocol: {
    flag: 'gateway-proxy-protocol',
    env: 'LEASEGATE_GATEWAY_PROXY_PROTOCOL',
    type: boolean,
    default: 'false',
    group,
    meaning:
      "With `tcp`: whether the application is told of the client by the PROXY protocol, version 2, with the term's fencing token in a TLV of type 0xE0.",
  },
  gatewayAccessLog: {
    flag: 'gateway-access-log',
    env: 'LEASEGATE_GATEWAY_ACCESS_LOG',
    type: boolean,
    default: 'false',
    group,
    meaning: 'One line in the log for each request, tunnel or connection.',
  },
} as const satisfies Options;

type Key = keyof typeof GATEWAY_OPTIONS;

/** Those that are nothing without a listener, and those that only one protocol has. */
const DEPENDENT = (Object.keys(GATEWAY_OPTIONS) as Key[]).filter(
  (key) => key !== 'gatewayListen' && key !== 'gatewayTarget',
);
const HTTP_ONLY = [
  'gatewayResponseTimeout',
  'gatewayForwarded',
  'gatewayHeaderBytesMax',
  'gatewayHeadersTimeout',
  'gatewayRequestTimeout',
  'gatewayKeepAlive',
] as const;
const FORWARD_ONLY = ['gatewayPeerListen', 'gatewayForwardWait'] as const;

/** The rules between them, for a table that has `apiListen`, `probeListen` and `podIp` as well. */
export function gatewayRelations<O extends Options & typeof GATEWAY_OPTIONS>(): Relation<O>[] {
  type Table = typeof GATEWAY_OPTIONS & { readonly podIp: O[string] };
  const relations: Relation<Table>[] = [
    {
      between: ['gatewayListen'],
      rule: 'A gateway has a target.',
      broken: (_values, show, given) =>
        given('gatewayTarget')
          ? null
          : {
              message: `${show('gatewayListen')} has no target`,
              remedy: 'set LEASEGATE_GATEWAY_TARGET to the application of this pod, such as 127.0.0.1:3000',
            },
    },
    needsListener(['gatewayTarget']),
    needsListener(DEPENDENT, 'Options of the gateway are taken only with one.'),
    only(FORWARD_ONLY, 'gatewayStandby', 'forward', 'A peer listener and a wait belong to `forward`.'),
    only(HTTP_ONLY, 'gatewayProtocol', 'http', 'What speaks of requests and their headers belongs to `http`.'),
    only(['gatewayProxyProtocol'], 'gatewayProtocol', 'tcp', 'The PROXY protocol belongs to `tcp`.'),
    {
      between: ['gatewayStandby'],
      rule: '`forward` needs `POD_IP`: the leader tells the others where it is.',
      broken: ({ gatewayStandby }, show, given) =>
        gatewayStandby !== 'forward' || given('podIp')
          ? null
          : {
              message: `${show('gatewayStandby')} does not know the address of this pod`,
              remedy: 'set POD_IP from the downward API (fieldPath: status.podIP)',
            },
    },
    {
      between: ['gatewayHeadersTimeout', 'gatewayRequestTimeout'],
      rule: 'The head of a request does not get more time than all of it.',
      broken: ({ gatewayHeadersTimeout, gatewayRequestTimeout }, show) =>
        gatewayHeadersTimeout <= gatewayRequestTimeout
          ? null
          : {
              message: `${show('gatewayHeadersTimeout')} is longer than ${show('gatewayRequestTimeout')}`,
              remedy: 'make it as long at most',
            },
    },
    {
      between: ['gatewayListen', 'gatewayPeerListen', 'gatewayStandby', 'gatewayTarget', 'podIp'],
      rule: 'The target is not the gateway itself.',
      broken({ gatewayTarget, podIp, ...values }, show, given) {
        if (gatewayTarget === undefined || !given('gatewayListen')) return null;
        const here = gatewayTarget.host === podIp ? { ...gatewayTarget, host: '127.0.0.1' } : gatewayTarget;
        const listeners = (['gatewayListen', 'gatewayPeerListen'] as const).slice(
          0,
          values.gatewayStandby === 'forward' ? 2 : 1,
        );
        const own = listeners.find(
          (key) => values[key] !== undefined && isLoopback(here) && overlap(values[key], here),
        );
        if (own === undefined) return null;
        return {
          message: `${show('gatewayTarget')} is ${show(own)} itself`,
          remedy: 'let the application listen on another port',
        };
      },
    },
    {
      between: ['gatewayPeerListen', 'gatewayStandby', 'podIp'],
      rule: 'Other replicas reach the peer listener.',
      broken: ({ gatewayPeerListen, gatewayStandby, podIp }, show) =>
        gatewayStandby !== 'forward' ||
        !isLoopback(gatewayPeerListen) ||
        (podIp !== undefined && isLoopback({ host: String(podIp), port: 0 }))
          ? null
          : {
              message: `${show('gatewayPeerListen')} is a loopback address, where no other pod comes`,
              remedy: `write :${gatewayPeerListen.port}, or the pod's IP`,
            },
    },
  ];
  return relations as unknown as Relation<O>[];
}

function needsListener(
  keys: readonly Key[],
  rule = 'A target belongs to a gateway.',
): Relation<typeof GATEWAY_OPTIONS & Options> {
  return {
    between: [...keys],
    rule,
    broken: (_values, show, given) => {
      const key = keys.find(given);
      if (key === undefined || given('gatewayListen')) return null;
      return {
        message: `${show(key)} says nothing without a gateway`,
        remedy: 'set LEASEGATE_GATEWAY_LISTEN, such as 0.0.0.0:8080, or leave it out',
      };
    },
  };
}

function only<K extends 'gatewayStandby' | 'gatewayProtocol'>(
  keys: readonly Key[],
  chooser: K,
  choice: Values<typeof GATEWAY_OPTIONS>[K],
  rule: string,
): Relation<typeof GATEWAY_OPTIONS & Options> {
  return {
    between: [...keys, chooser],
    rule,
    broken: (values, show, given) => {
      const key = keys.find(given);
      if (key === undefined || !given('gatewayListen') || values[chooser] === choice) return null;
      return {
        message: `${show(key)} is not used with ${show(chooser)}`,
        remedy: `leave it out, or set ${GATEWAY_OPTIONS[chooser].env}=${choice}`,
      };
    },
  };
}

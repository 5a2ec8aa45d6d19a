import { type Address, address, overlap } from './address.ts';
import { CANDIDACY_OPTIONS, candidacyRelations } from './candidacy-options.ts';
import { COORDINATED_OPTIONS, coordinatedRelations } from './coordinated-options.ts';
import { duration, formatDuration } from './duration.ts';
import { GATEWAY_OPTIONS, gatewayRelations } from './gateway-options.ts';
import { HEALTH_OPTIONS, healthRelations } from './health-options.ts';
import { LEASE_NAME_OPTIONS, leaseNameRelations } from './lease-name-options.ts';
import { MEMBERS_OPTIONS, membersRelations } from './members-options.ts';
import { dnsLabel, dnsSubdomain, ipAddress, leaseNames, oneOf, path, podUid } from './names.ts';
import { NOTIFY_OPTIONS, notifyRelations } from './notify-options.ts';
import { defineOptions } from './option.ts';
import { PUBLISH_OPTIONS, publishRelations } from './publish-options.ts';
import { SHARES_OPTIONS, sharesRelations } from './shares-options.ts';
import { SHUTDOWN_OPTIONS, shutdownRelations } from './shutdown-options.ts';
import {
  allowsRetry,
  DURATION_MS_MAX,
  INTERVAL_MS_MIN,
  leavesMargin,
  type Timings,
  toleratesOneFailure,
  workingTimings,
} from './timing-rules.ts';

/** pino's levels. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const interval = duration({ minMs: INTERVAL_MS_MIN, maxMs: DURATION_MS_MAX });

/** One advice for all four timings: mending one at a time leads from one refusal to the next. */
function setTogether(timings: Timings, given: (key: keyof Timings) => boolean): string {
  const working = workingTimings(timings, given);
  const set = (key: keyof Timings) => `${RUN_OPTIONS.options[key].env}=${formatDuration(working[key])}`;
  const keys = ['leaseDuration', 'renewDeadline', 'renewInterval', 'retryPeriod'] as const;
  return `these fit together: ${keys.map(set).join(' ')}`;
}

export const RUN_OPTIONS = defineOptions({
  command: 'run',
  summary: 'Takes part in a Lease election for this pod and tells the application over localhost who leads.',
  envPrefix: 'LEASEGATE_',
  options: {
    leaseName: {
      flag: 'lease-name',
      env: 'LEASEGATE_LEASE_NAME',
      type: leaseNames,
      requiredUnless: 'leaseNamePrefix',
      group: 'Lease',
      meaning:
        'Name of the Lease that the replicas compete for. It is created when it does not exist. Several, with commas between them, are as many elections: each has a leader of its own, and routes of its own below `/elections`. Gateway, publishing, status file and signal go by the first.',
      danger: 'Whoever uses the same name in the namespace takes part in the same election.',
    },
    ...LEASE_NAME_OPTIONS,
    namespace: {
      flag: 'namespace',
      env: 'LEASEGATE_NAMESPACE',
      type: dnsLabel,
      defaultText: "`POD_NAMESPACE`, else the service account's namespace, else that of the kubeconfig's context",
      group: 'Lease',
      meaning: 'Namespace of the Lease. Without any it is an error; `default` is never assumed.',
    },
    leaseDuration: {
      flag: 'lease-duration',
      env: 'LEASEGATE_LEASE_DURATION',
      type: duration({ minMs: 1_000, maxMs: DURATION_MS_MAX, wholeSeconds: true }),
      default: '15s',
      group: 'Timings',
      meaning:
        'How long the others wait, after the last renewal they saw, before they take over from a leader that died. They wait as long as the holder wrote into the Lease, whatever their own setting: replicas with other timings, as during a rolling update, are safe together.',
      danger:
        'Short ones lose the leader to a brief outage of the API server, long ones delay the takeover after a crash.',
    },
    renewDeadline: {
      flag: 'renew-deadline',
      env: 'LEASEGATE_RENEW_DEADLINE',
      type: duration({ minMs: 200, maxMs: DURATION_MS_MAX }),
      default: '10s',
      group: 'Timings',
      meaning: 'How long a leader leads after it sent its last successful renewal.',
      danger:
        'What is left until the lease duration is the safety margin: time to end work, and room for clocks that run at different rates.',
    },
    renewInterval: {
      flag: 'renew-interval',
      env: 'LEASEGATE_RENEW_INTERVAL',
      type: interval,
      defaultFrom: 'retryPeriod',
      group: 'Timings',
      meaning: 'Time between two renewals of a leader.',
      danger: 'Each renewal is a write to the API server and to etcd.',
    },
    retryPeriod: {
      flag: 'retry-period',
      env: 'LEASEGATE_RETRY_PERIOD',
      type: interval,
      default: '2s',
      group: 'Timings',
      meaning:
        'Time between two attempts after a failed one, and between two reads while the watch is down. After a step-down a replica leaves the Lease to the others for 2.5 of them.',
    },
    apiListen: {
      flag: 'api-listen',
      env: 'LEASEGATE_API_LISTEN',
      type: address({ loopbackOnly: true }),
      default: '127.0.0.1:4040',
      group: 'Listeners',
      meaning: 'The local API, for the application.',
      danger: 'Whoever reaches it can make the leader step down; therefore only loopback addresses are taken.',
    },
    probeListen: {
      flag: 'probe-listen',
      env: 'LEASEGATE_PROBE_LISTEN',
      type: address(),
      default: '0.0.0.0:4041',
      group: 'Listeners',
      meaning:
        'Probes and metrics, for the kubelet and Prometheus. It changes nothing. A pod with only IPv6 needs `:4041`, or `[::]:4041`: every address, of both families.',
    },
    ...CANDIDACY_OPTIONS,
    ...GATEWAY_OPTIONS,
    ...HEALTH_OPTIONS,
    ...SHUTDOWN_OPTIONS,
    ...PUBLISH_OPTIONS,
    ...NOTIFY_OPTIONS,
    ...MEMBERS_OPTIONS,
    ...SHARES_OPTIONS,
    ...COORDINATED_OPTIONS,
    podName: {
      env: 'POD_NAME',
      type: dnsSubdomain,
      defaultText: 'host name',
      group: 'Pod',
      meaning: 'Name of this pod (`metadata.name`), first part of the identity.',
    },
    podNamespace: {
      env: 'POD_NAMESPACE',
      type: dnsLabel,
      group: 'Pod',
      meaning: 'Namespace of this pod (`metadata.namespace`).',
    },
    podUid: {
      env: 'POD_UID',
      type: podUid,
      defaultText: 'random per start',
      group: 'Pod',
      meaning:
        "Uid of this pod (`metadata.uid`). A restarted process of the same pod takes its predecessor's Lease at once; with a random uid it waits for the expiry.",
      danger:
        'Never give one uid to two processes that run at the same time: each would take the Lease from the other as if that were dead.',
    },
    podIp: {
      env: 'POD_IP',
      type: ipAddress,
      group: 'Pod',
      meaning: "IP address of this pod (`status.podIP`), published beside the leader's name.",
    },
    kubeconfig: {
      flag: 'kubeconfig',
      env: 'KUBECONFIG',
      type: path,
      defaultText: 'in-cluster service account, else `~/.kube/config`',
      group: 'Process',
      meaning: 'How to reach the API server. As with kubectl, a list of paths with `:` between them is merged.',
    },
    logLevel: {
      flag: 'log-level',
      env: 'LEASEGATE_LOG_LEVEL',
      type: oneOf(LOG_LEVELS),
      default: 'info',
      group: 'Process',
      meaning: 'Least severe messages that are logged.',
    },
  },
  relations: [
    ...leaseNameRelations(),
    {
      between: ['renewDeadline', 'leaseDuration'],
      rule: 'The renew deadline is shorter than the lease duration by at least a tenth of that, and by no less than 200ms.',
      broken(values, show, given) {
        const { renewDeadline, leaseDuration } = values;
        if (leavesMargin(renewDeadline, leaseDuration)) return null;
        return {
          message:
            renewDeadline < leaseDuration
              ? `${show('renewDeadline')} leaves too small a safety margin before ${show('leaseDuration')}`
              : `${show('renewDeadline')} is not shorter than ${show('leaseDuration')}`,
          remedy: setTogether(values, given),
        };
      },
    },
    {
      between: ['renewInterval', 'renewDeadline'],
      rule: 'Two renew intervals fit into the renew deadline, so that one failed renewal loses nothing.',
      broken(values, show, given) {
        if (toleratesOneFailure(values.renewInterval, values.renewDeadline)) return null;
        return {
          message: `${show('renewInterval')} does not fit twice into ${show('renewDeadline')}`,
          remedy: setTogether(values, given),
        };
      },
    },
    {
      between: ['retryPeriod', 'renewDeadline'],
      rule: 'The renew deadline is longer than 1.2 retry periods.',
      broken(values, show, given) {
        if (allowsRetry(values.retryPeriod, values.renewDeadline)) return null;
        return {
          message: `${show('renewDeadline')} is not longer than 1.2 times ${show('retryPeriod')}`,
          remedy: setTogether(values, given),
        };
      },
    },
    {
      between: ['probeListen', 'apiListen'],
      rule: 'No two listeners share a port.',
      broken: (values, show) => apart(values, show, 'probeListen', 'apiListen'),
    },
    ...(['apiListen', 'probeListen', 'gatewayPeerListen'] as const).map((other) => ({
      between: ['gatewayListen', other, 'gatewayStandby'] as const,
      broken: (values: Listeners, show: Show) =>
        other === 'gatewayPeerListen' && values.gatewayStandby !== 'forward'
          ? null
          : apart(values, show, 'gatewayListen', other),
    })),
    ...(['apiListen', 'probeListen'] as const).map((other) => ({
      between: ['gatewayPeerListen', other, 'gatewayStandby', 'gatewayListen'] as const,
      broken: (values: Listeners, show: Show) =>
        values.gatewayStandby === 'forward' ? apart(values, show, 'gatewayPeerListen', other) : null,
    })),
    ...candidacyRelations(),
    ...gatewayRelations(),
    ...healthRelations(),
    ...shutdownRelations(),
    ...publishRelations(),
    ...notifyRelations(),
    ...membersRelations(),
    ...sharesRelations(),
    ...coordinatedRelations(),
  ],
});

type Listener = 'apiListen' | 'probeListen' | 'gatewayListen' | 'gatewayPeerListen';
type Listeners = { readonly [K in Listener]?: Address | undefined } & { readonly gatewayStandby?: string };
type Show = (key: Listener) => string;

function apart(values: Listeners, show: Show, one: Listener, other: Listener) {
  const [a, b] = [values[one], values[other]];
  if (a === undefined || b === undefined || !overlap(a, b)) return null;
  return {
    message: `${show(one)} and ${show(other)} want the same port`,
    remedy: 'give each listener a port of its own',
  };
}

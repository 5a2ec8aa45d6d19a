import { overlap } from './address.ts';
import { duration } from './duration.ts';
import { healthUrl } from './health-url.ts';
import { integer } from './numbers.ts';
import type { Options, Relation } from './option.ts';

const group = 'Application health';
const checksInRow = integer({ min: 1, max: 100 });
const between = duration({ minMs: 100, maxMs: 3_600_000 });

/** What `leasegate run` takes for checking its application; all of it needs `LEASEGATE_APP_HEALTH_URL`. */
export const HEALTH_OPTIONS = {
  appHealthUrl: {
    flag: 'app-health-url',
    env: 'LEASEGATE_APP_HEALTH_URL',
    type: healthUrl(),
    defaultText: 'not checked',
    group,
    meaning:
      'Where the application of this pod tells whether it is fit to lead. `http`, `https`: fit is a status from 200 to 399. `tcp`: whoever accepts connections. `grpc`: `SERVING` from grpc.health.v1, of the service that the path names. This replica campaigns only with a fit application, and gives up leading when it is not fit any more.',
    danger:
      'Where nothing listens any more, the application counts as ended, and the Lease is freed at once: let the port be the last thing that it closes. And let the answer not depend on what is unwell for all replicas together, such as a database: then none leads.',
  },
  appHealthInterval: {
    flag: 'app-health-interval',
    env: 'LEASEGATE_APP_HEALTH_INTERVAL',
    type: between,
    default: '1s',
    group,
    meaning: 'From the begin of one check to that of the next.',
  },
  appHealthTimeout: {
    flag: 'app-health-timeout',
    env: 'LEASEGATE_APP_HEALTH_TIMEOUT',
    type: between,
    defaultText: 'the interval, `1s` at most',
    group,
    meaning: 'How long a check may take; then it has failed.',
  },
  appHealthFailures: {
    flag: 'app-health-failures',
    env: 'LEASEGATE_APP_HEALTH_FAILURES',
    type: checksInRow,
    default: '3',
    group,
    meaning: 'Failed checks in a row after which the application is not fit to lead.',
    danger: 'With 1, one slow answer moves leadership.',
  },
  appHealthSuccesses: {
    flag: 'app-health-successes',
    env: 'LEASEGATE_APP_HEALTH_SUCCESSES',
    type: checksInRow,
    default: '1',
    group,
    meaning:
      'Good checks in a row after which it is fit again. One that fails again within 60 checks of a recovery needs twice as many as the last time, 60 at most. At the start, one is enough.',
  },
} as const satisfies Options;

type Key = keyof typeof HEALTH_OPTIONS;

/** The rules between them, for a table that has the listeners and `leadUnhealthy` as well. */
export function healthRelations<O extends Options & typeof HEALTH_OPTIONS>(): Relation<O>[] {
  type Table = typeof HEALTH_OPTIONS & { readonly [K in Listener | 'leadUnhealthy']: O[string] };
  const dependent = (Object.keys(HEALTH_OPTIONS) as Key[]).filter((key) => key !== 'appHealthUrl');
  const relations: Relation<Table>[] = [
    {
      between: ['appHealthInterval', 'appHealthFailures', 'appHealthSuccesses'],
      rule: 'How the application is checked is said only where it is.',
      broken: (_values, show, given) => {
        const key = dependent.find(given);
        if (key === undefined || given('appHealthUrl')) return null;
        return {
          message: `${show(key)} says nothing without an application to check`,
          remedy: 'set LEASEGATE_APP_HEALTH_URL, such as http://127.0.0.1:3000/healthz, or leave it out',
        };
      },
    },
    {
      between: ['leadUnhealthy'],
      rule: 'To lead without a healthy application means something only where that is checked.',
      broken: ({ leadUnhealthy }, show, given) =>
        leadUnhealthy !== true || given('appHealthUrl')
          ? null
          : {
              message: `${show('leadUnhealthy')} says nothing without an application to check`,
              remedy: 'set LEASEGATE_APP_HEALTH_URL, such as http://127.0.0.1:3000/healthz, or leave it out',
            },
    },
    {
      between: ['appHealthTimeout', 'appHealthInterval'],
      rule: 'A check takes no longer than the interval.',
      broken: ({ appHealthTimeout, appHealthInterval }, show) =>
        appHealthTimeout === undefined || appHealthTimeout <= appHealthInterval
          ? null
          : {
              message: `${show('appHealthTimeout')} is longer than ${show('appHealthInterval')}`,
              remedy: 'make it as long at most',
            },
    },
    ...LISTENERS.map(
      (listener): Relation<Table> => ({
        between: ['appHealthUrl', listener],
        ...(listener === LISTENERS[0] && { rule: "The application's health is not asked of Leasegate itself." }),
        broken(values, show) {
          const [url, own] = [values.appHealthUrl, values[listener] as Parameters<typeof overlap>[0] | undefined];
          if (url === undefined || own === undefined || !overlap(url, own)) return null;
          return {
            message: `${show('appHealthUrl')} is ${show(listener)}, of Leasegate itself`,
            remedy: "name the application's own port",
          };
        },
      }),
    ),
  ];
  return relations as unknown as Relation<O>[];
}

const LISTENERS = ['apiListen', 'probeListen', 'gatewayListen'] as const;
type Listener = (typeof LISTENERS)[number];

import { duration } from './duration.ts';
import { healthUrl } from './health-url.ts';
import type { Options, Relation } from './option.ts';

const group = 'Shutdown';
const waiting = duration({ minMs: 0, maxMs: 3_600_000 });

/** How long `leasegate run` goes on after SIGTERM, where it is told to end together with its application. */
export const SHUTDOWN_OPTIONS = {
  shutdownDelay: {
    flag: 'shutdown-delay',
    env: 'LEASEGATE_SHUTDOWN_DELAY',
    type: waiting,
    default: '0s',
    group,
    meaning:
      'How long it goes on after SIGTERM: leading where it leads, and never beginning to. For an ordinary container, which is told to end together with its application. A native sidecar needs none: its SIGTERM comes after the application has ended.',
    danger: '`terminationGracePeriodSeconds` must be 10 s longer than this (and the drain of a gateway).',
  },
  shutdownWaitFor: {
    flag: 'shutdown-wait-for',
    env: 'LEASEGATE_SHUTDOWN_WAIT_FOR',
    type: healthUrl(['tcp']),
    defaultText: 'nothing is waited for',
    group,
    meaning: 'Instead of a delay: a port of the application. After SIGTERM it goes on until nothing listens there.',
    danger: 'An application that closes this port first, and then ends its work, is not waited for.',
  },
  shutdownWaitMax: {
    flag: 'shutdown-wait-max',
    env: 'LEASEGATE_SHUTDOWN_WAIT_MAX',
    type: waiting,
    default: '15s',
    group,
    meaning: 'How long that port is waited for at most.',
    danger: 'As with the delay, `terminationGracePeriodSeconds` must be 10 s longer.',
  },
} as const satisfies Options;

/** The rules between them. */
export function shutdownRelations<O extends Options & typeof SHUTDOWN_OPTIONS>(): Relation<O>[] {
  const relations: Relation<typeof SHUTDOWN_OPTIONS>[] = [
    {
      between: ['shutdownDelay', 'shutdownWaitFor'],
      rule: 'The end is put off by a delay or by a port, not by both.',
      broken: (_values, show, given) =>
        given('shutdownDelay') && given('shutdownWaitFor')
          ? {
              message: `${show('shutdownDelay')} and ${show('shutdownWaitFor')} both put off the end`,
              remedy: 'keep one of them',
            }
          : null,
    },
    {
      between: ['shutdownWaitMax'],
      rule: 'A longest wait belongs to a port.',
      broken: (_values, show, given) =>
        given('shutdownWaitMax') && !given('shutdownWaitFor')
          ? {
              message: `${show('shutdownWaitMax')} bounds nothing`,
              remedy: 'set LEASEGATE_SHUTDOWN_WAIT_FOR, such as tcp://127.0.0.1:3000, or leave it out',
            }
          : null,
    },
  ];
  return relations as unknown as Relation<O>[];
}

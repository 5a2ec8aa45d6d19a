import { basename, isAbsolute } from 'node:path';
import { duration } from './duration.ts';
import { path } from './names.ts';
import type { Options, Relation, Values } from './option.ts';
import { accepted, refused, type ValueType } from './value-type.ts';

const group = 'Notifications';

const httpUrl: ValueType<string> = {
  placeholder: 'URL',
  accepts: '`http://` or `https://` URL',
  format: (value) => value,
  parse(text) {
    const example = 'such as http://127.0.0.1:3000/leadership';
    const url = URL.parse(text);
    if (url === null) return refused('is not a URL', `write one ${example}`);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      return refused('is neither an http nor an https URL', `write one ${example}`);
    }
    if (url.username !== '' || url.password !== '') {
      return refused('holds credentials', 'put a token into a file, and name that in LEASEGATE_NOTIFY_TOKEN_FILE');
    }
    return accepted(text);
  },
};

const absolutePath: ValueType<string> = {
  ...path,
  accepts: 'absolute path of a file',
  parse(text) {
    if (!isAbsolute(text)) return refused('is not an absolute path', 'begin it with "/"');
    if (text.endsWith('/')) return refused('is a directory', 'name a file in it');
    return path.parse(text);
  },
};

const processName: ValueType<string> = {
  placeholder: 'NAME',
  accepts: 'name of a program',
  format: (value) => value,
  parse: (text) =>
    basename(text) === text && !text.includes('\0')
      ? accepted(text)
      : refused('is a path', `use the name alone: ${JSON.stringify(basename(text))}`),
};

/** How `leasegate run` tells the application of changes. */
export const NOTIFY_OPTIONS = {
  notifyUrl: {
    flag: 'notify-url',
    env: 'LEASEGATE_NOTIFY_URL',
    type: httpUrl,
    defaultText: 'no webhook',
    group,
    meaning:
      'Told of every change by a POST with the JSON of `/leader`, `event` and `reason`. A loss overtakes everything else.',
    danger: 'A process that is killed or cut off tells nobody: trust what it told for its `validForMs` only.',
  },
  notifyTokenFile: {
    flag: 'notify-token-file',
    env: 'LEASEGATE_NOTIFY_TOKEN_FILE',
    type: absolutePath,
    group,
    meaning: 'File with a token that the webhook sends as `Authorization: Bearer`. Read at each POST.',
    danger: 'Over `http://` it can be read on the way.',
  },
  statusFile: {
    flag: 'status-file',
    env: 'LEASEGATE_STATUS_FILE',
    type: absolutePath,
    defaultText: 'no file',
    group,
    meaning:
      'A file that is there while this replica leads: the JSON of `/leader`, and in `expiresAt` until when it may be trusted. Best on an `emptyDir` with `medium: Memory`.',
    danger: 'Its presence alone proves nothing: a process that was killed or stopped removes no file.',
  },
  notifySignalProcess: {
    flag: 'notify-signal-process',
    env: 'LEASEGATE_NOTIFY_SIGNAL_PROCESS',
    type: processName,
    defaultText: 'no signal',
    group,
    meaning:
      'Name of the application’s program (`/proc/<pid>/comm`, or the file name of its `argv[0]`). Every process of that name gets SIGTERM when a term ends, and SIGKILL after the grace. Needs `shareProcessNamespace: true`.',
    danger: 'All processes of the pod that have this name are ended: `node` or `java` may be more than you mean.',
  },
  notifySignalGrace: {
    flag: 'notify-signal-grace',
    env: 'LEASEGATE_NOTIFY_SIGNAL_GRACE',
    type: duration({ minMs: 0, maxMs: 600_000 }),
    default: '5s',
    group,
    meaning:
      'From SIGTERM to SIGKILL. After a loss four fifths of what lies between renew deadline and lease duration at most: others lead soon after.',
    danger: '`terminationGracePeriodSeconds` must be longer by this.',
  },
} as const satisfies Options;

/** How the application is told of changes; at least one of them is there. */
export interface NotifyConfig {
  readonly webhook: { readonly url: string; readonly tokenFile: string | null } | null;
  readonly statusFile: string | null;
  readonly signal: { readonly processName: string; readonly graceMs: number } | null;
}

export function notifyOf(values: Values<typeof NOTIFY_OPTIONS>): NotifyConfig | null {
  const { notifyUrl: url, notifyTokenFile: tokenFile = null, statusFile = null } = values;
  const { notifySignalProcess: processName, notifySignalGrace: graceMs } = values;
  if (url === undefined && statusFile === null && processName === undefined) return null;
  return Object.freeze<NotifyConfig>({
    webhook: url === undefined ? null : Object.freeze({ url, tokenFile }),
    statusFile,
    signal: processName === undefined ? null : Object.freeze({ processName, graceMs }),
  });
}

/** The rules between them. */
export function notifyRelations<O extends Options & typeof NOTIFY_OPTIONS>(): Relation<O>[] {
  const relations: Relation<typeof NOTIFY_OPTIONS>[] = [
    {
      between: ['notifyTokenFile'],
      rule: 'A token belongs to a webhook, a grace to a signal.',
      broken: (_values, show, given) =>
        !given('notifyTokenFile') || given('notifyUrl')
          ? null
          : {
              message: `${show('notifyTokenFile')} says nothing without a webhook`,
              remedy: 'set LEASEGATE_NOTIFY_URL, or leave it out',
            },
    },
    {
      between: ['notifySignalGrace'],
      broken: (_values, show, given) =>
        !given('notifySignalGrace') || given('notifySignalProcess')
          ? null
          : {
              message: `${show('notifySignalGrace')} says nothing without a process`,
              remedy: 'set LEASEGATE_NOTIFY_SIGNAL_PROCESS, or leave it out',
            },
    },
  ];
  return relations as unknown as Relation<O>[];
}

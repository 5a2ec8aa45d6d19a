import { expect, test } from 'vitest';
import { loadFrom, NAMED, problemsIn } from './load.fixture.ts';

const load = (env: Record<string, string>) => loadFrom({ ...NAMED, ...env });
const notifyOf = (env: Record<string, string>) => {
  const result = load(env);
  return result.ok ? result.config.notify : result.problems;
};
const said = (env: Record<string, string>) => problemsIn(load(env));

const URL_OPTION = 'LEASEGATE_NOTIFY_URL (--notify-url)';
const FILE_OPTION = 'LEASEGATE_STATUS_FILE (--status-file)';

test('each way to be told is taken alone', () => {
  expect(notifyOf({})).toBeNull();
  const none = { webhook: null, statusFile: null, signal: null };
  const url = 'http://127.0.0.1:3000/leadership?a=b';
  expect(notifyOf({ LEASEGATE_NOTIFY_URL: url })).toEqual({ ...none, webhook: { url, tokenFile: null } });
  expect(notifyOf({ LEASEGATE_STATUS_FILE: '/run/leader' })).toEqual({ ...none, statusFile: '/run/leader' });
  const signal = { processName: 'worker', graceMs: 5_000 };
  expect(notifyOf({ LEASEGATE_NOTIFY_SIGNAL_PROCESS: 'worker' })).toEqual({ ...none, signal });
});

test.each<[Record<string, string>, string]>([
  [
    { LEASEGATE_NOTIFY_URL: 'localhost' },
    `${URL_OPTION}: is not a URL; write one such as http://127.0.0.1:3000/leadership`,
  ],
  [
    { LEASEGATE_NOTIFY_URL: 'ftp://host/' },
    `${URL_OPTION}: is neither an http nor an https URL; write one such as http://127.0.0.1:3000/leadership`,
  ],
  [
    { LEASEGATE_NOTIFY_URL: 'https://me:secret@host/' },
    `${URL_OPTION}: holds credentials; put a token into a file, and name that in LEASEGATE_NOTIFY_TOKEN_FILE`,
  ],
  [{ LEASEGATE_STATUS_FILE: 'leader' }, `${FILE_OPTION}: is not an absolute path; begin it with "/"`],
  [{ LEASEGATE_STATUS_FILE: '/run/' }, `${FILE_OPTION}: is a directory; name a file in it`],
  [
    { LEASEGATE_NOTIFY_SIGNAL_PROCESS: '/usr/bin/java' },
    'LEASEGATE_NOTIFY_SIGNAL_PROCESS (--notify-signal-process): is a path; use the name alone: "java"',
  ],
  [
    { LEASEGATE_NOTIFY_TOKEN_FILE: '/token' },
    'LEASEGATE_NOTIFY_TOKEN_FILE (--notify-token-file): LEASEGATE_NOTIFY_TOKEN_FILE /token says nothing without a webhook; set LEASEGATE_NOTIFY_URL, or leave it out',
  ],
  [
    { LEASEGATE_NOTIFY_SIGNAL_GRACE: '1s' },
    'LEASEGATE_NOTIFY_SIGNAL_GRACE (--notify-signal-grace): LEASEGATE_NOTIFY_SIGNAL_GRACE 1s says nothing without a process; set LEASEGATE_NOTIFY_SIGNAL_PROCESS, or leave it out',
  ],
])('%j is refused', (env, sentence) => {
  expect(said(env)).toEqual([sentence]);
});

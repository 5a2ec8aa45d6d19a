import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { Credentials } from './credentials.ts';
import { loadKubeConfig } from './kubeconfig.ts';

const log = { ...SILENT_LOG, info: vi.fn(), warn: vi.fn() };
let directory: string;
let nowMs: number;

beforeEach(() => {
  vi.resetAllMocks();
  directory = mkdtempSync(join(tmpdir(), 'leasegate-'));
  nowMs = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = (name: string) => join(directory, name);
const base64 = (text: string) => Buffer.from(text).toString('base64');

function credentialsOf(user: object, cluster: object = {}): Credentials {
  const kubeconfig = file('config');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1', ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    }),
  );
  const loaded = loadKubeConfig({ kubeconfig, inCluster: false, homeDirectory: directory });
  return new Credentials(loaded, { now: () => ({ monoMs: nowMs, wallMs: nowMs }) }, log);
}

describe('credentials', () => {
  const kinds: [string, object, object][] = [
    ['a token', { token: 'secret' }, { Authorization: 'Bearer secret' }],
    ['a name and a password', { username: 'ann', password: 'pw' }, { Authorization: `Basic ${base64('ann:pw')}` }],
    ['a name alone', { username: 'ann' }, { Authorization: `Basic ${base64('ann:')}` }],
    ['nobody', {}, {}],
  ];
  test.each(kinds)('of %s are a header', async (_, user, headers) => {
    expect((await credentialsOf(user).present()).headers).toEqual(headers);
  });

  test('of a client certificate go into the connection, from data or from files', async () => {
    writeFileSync(file('client.key'), 'the key');
    writeFileSync(file('ca.crt'), 'the authority');
    const credentials = credentialsOf(
      { 'client-certificate-data': base64('the certificate'), 'client-key': 'client.key' },
      { 'certificate-authority': 'ca.crt', 'tls-server-name': 'kubernetes' },
    );
    expect((await credentials.present()).tls).toEqual({
      ca: 'the authority',
      cert: 'the certificate',
      key: 'the key',
      servername: 'kubernetes',
    });
  });

  test('of a plugin are what it prints', async () => {
    const credential = { kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1' };
    const printed = { ...credential, status: { token: 'from the plugin' } };
    const user = {
      exec: {
        apiVersion: credential.apiVersion,
        command: process.execPath,
        args: ['-e', `process.stdout.write(${JSON.stringify(JSON.stringify(printed))})`],
        interactiveMode: 'Never',
      },
    };
    expect((await credentialsOf(user).present()).headers).toEqual({ Authorization: 'Bearer from the plugin' });
  });

  test('may speak for another', async () => {
    writeFileSync(file('token'), 'secret');
    const credentials = credentialsOf({ tokenFile: 'token', as: 'bob' });
    const headers = { Authorization: 'Bearer secret', 'Impersonate-User': 'bob' };
    expect((await credentials.present()).headers).toEqual(headers);
  });
});

describe('a token file', () => {
  test('is read again when what was read is ten seconds old', async () => {
    writeFileSync(file('token'), 'first\n');
    const credentials = credentialsOf({ tokenFile: 'token' });
    const read = async () => (await credentials.present()).headers.Authorization;
    expect(await read()).toBe('Bearer first');
    writeFileSync(file('token'), 'second\n');
    nowMs = 9_999;
    expect(await read()).toBe('Bearer first');
    nowMs = 10_000;
    expect(await read()).toBe('Bearer second');
  });

  test('that can’t be read leaves the last token in use, and says so once', async () => {
    writeFileSync(file('token'), 'first');
    const credentials = credentialsOf({ tokenFile: 'token' });
    await credentials.present();
    rmSync(file('token'));
    for (nowMs = 10_000; nowMs <= 30_000; nowMs += 10_000) {
      expect((await credentials.present()).headers).toEqual({ Authorization: 'Bearer first' });
    }
    expect(log.warn.mock.calls.map(([fields]) => fields)).toEqual([{ code: 'CREDENTIALS_UNREADABLE' }]);
    writeFileSync(file('token'), 'second');
    expect((await credentials.present()).headers).toEqual({ Authorization: 'Bearer second' });
    expect(log.info.mock.calls.map(([fields]) => fields)).toEqual([{ code: 'CREDENTIALS_READABLE' }]);
  });

  test('that is empty, as in the middle of a rotation, leaves the last token in use', async () => {
    writeFileSync(file('token'), 'first');
    const credentials = credentialsOf({ tokenFile: 'token' });
    await credentials.present();
    writeFileSync(file('token'), '\n');
    expect(await credentials.refresh()).toBe(false);
    expect((await credentials.present()).headers).toEqual({ Authorization: 'Bearer first' });
    expect(log.warn.mock.calls[0]?.[1]).toContain('is empty');
  });

  test('that was never there is an error, and looked for again at the next call', async () => {
    const credentials = credentialsOf({ tokenFile: 'token' });
    await expect(credentials.present()).rejects.toThrow(/ENOENT/);
    writeFileSync(file('token'), 'first');
    expect((await credentials.present()).headers).toEqual({ Authorization: 'Bearer first' });
  });

  test('is taken before the token that is written in the kubeconfig', async () => {
    writeFileSync(file('token'), 'from the file');
    const credentials = credentialsOf({ tokenFile: file('token'), token: 'from the kubeconfig' });
    expect((await credentials.present()).headers).toEqual({ Authorization: 'Bearer from the file' });
  });
});

describe('refreshing', () => {
  test('says whether anything is different now, and gives connections a version', async () => {
    writeFileSync(file('token'), 'first');
    writeFileSync(file('ca.crt'), 'one');
    const credentials = credentialsOf({ tokenFile: 'token' }, { 'certificate-authority': 'ca.crt' });
    expect(await credentials.refresh()).toBe(true);
    expect(await credentials.refresh()).toBe(false);
    expect((await credentials.present()).tlsVersion).toBe(1);
    writeFileSync(file('token'), 'second');
    expect(await credentials.refresh()).toBe(true);
    expect((await credentials.present()).tlsVersion).toBe(1);
    writeFileSync(file('ca.crt'), 'two');
    expect(await credentials.refresh()).toBe(true);
    expect((await credentials.present()).tlsVersion).toBe(2);
  });

  test('does not hold up those who come meanwhile', async () => {
    writeFileSync(file('token'), 'first');
    const credentials = credentialsOf({ tokenFile: 'token' });
    await credentials.present();
    writeFileSync(file('token'), 'second');
    nowMs = 10_000;
    const [reading, waiting] = [credentials.present(), credentials.present()];
    expect((await waiting).headers).toEqual({ Authorization: 'Bearer first' });
    expect((await reading).headers).toEqual({ Authorization: 'Bearer second' });
  });
});

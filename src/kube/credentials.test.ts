import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { selfSigned } from './certificate.fixture.ts';
import { Credentials } from './credentials.ts';
import { FedPlugin } from './fed-plugin.fixture.ts';
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

/** A user of client-node's OIDC whose token ended in 1970. */
function oidc(config: object): object {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const expired = `${part({ alg: 'none' })}.${part({ exp: 1 })}.x`;
  return { 'auth-provider': { name: 'oidc', config: { 'id-token': expired, ...config } } };
}

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
    expect((await credentialsOf(user).present(5_000)).headers).toEqual(headers);
  });

  test('of a client certificate go into the connection, from data or from files', async () => {
    const { cert, key } = selfSigned();
    writeFileSync(file('client.key'), key);
    writeFileSync(file('ca.crt'), 'the authority');
    const credentials = credentialsOf(
      { 'client-certificate-data': base64(cert), 'client-key': 'client.key' },
      { 'certificate-authority': 'ca.crt', 'tls-server-name': 'kubernetes' },
    );
    expect((await credentials.present(5_000)).tls).toEqual({
      ca: 'the authority',
      cert,
      key,
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
    expect((await credentialsOf(user).present(5_000)).headers).toEqual({ Authorization: 'Bearer from the plugin' });
  });

  test('may speak for another', async () => {
    writeFileSync(file('token'), 'secret');
    const credentials = credentialsOf({ tokenFile: 'token', as: 'bob' });
    const headers = { Authorization: 'Bearer secret', 'Impersonate-User': 'bob' };
    expect((await credentials.present(5_000)).headers).toEqual(headers);
  });
});

describe('a token file', () => {
  test('is read again when what was read is ten seconds old', async () => {
    writeFileSync(file('token'), 'first\n');
    const credentials = credentialsOf({ tokenFile: 'token' });
    const read = async () => (await credentials.present(5_000)).headers.Authorization;
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
    await credentials.present(5_000);
    rmSync(file('token'));
    for (nowMs = 10_000; nowMs <= 30_000; nowMs += 10_000) {
      expect((await credentials.present(5_000)).headers).toEqual({ Authorization: 'Bearer first' });
    }
    expect(log.warn.mock.calls.map(([fields]) => fields)).toEqual([
      { code: 'CREDENTIALS_UNREADABLE', remedy: expect.stringContaining(file('token')) },
    ]);
    writeFileSync(file('token'), 'second');
    expect((await credentials.present(5_000)).headers).toEqual({ Authorization: 'Bearer second' });
    expect(log.info.mock.calls.map(([fields]) => fields)).toEqual([{ code: 'CREDENTIALS_READABLE' }]);
  });

  test('that is empty, as in the middle of a rotation, leaves the last token in use', async () => {
    writeFileSync(file('token'), 'first');
    const credentials = credentialsOf({ tokenFile: 'token' });
    const first = await credentials.present(5_000);
    writeFileSync(file('token'), '\n');
    expect(await credentials.refresh(first, 5_000)).toBeNull();
    expect((await credentials.present(5_000)).headers).toEqual({ Authorization: 'Bearer first' });
    expect(log.warn.mock.calls[0]?.[1]).toContain('is empty');
  });

  test('that was never there is an error, and looked for again at the next call', async () => {
    const credentials = credentialsOf({ tokenFile: 'token' });
    await expect(credentials.present(5_000)).rejects.toThrow(/ENOENT/);
    writeFileSync(file('token'), 'first');
    expect((await credentials.present(5_000)).headers).toEqual({ Authorization: 'Bearer first' });
  });

  test('is taken before the token that is written in the kubeconfig', async () => {
    writeFileSync(file('token'), 'from the file');
    const credentials = credentialsOf({ tokenFile: file('token'), token: 'from the kubeconfig' });
    expect((await credentials.present(5_000)).headers).toEqual({ Authorization: 'Bearer from the file' });
  });
});

describe('what cannot be used is no credential, and the remedy says where to look', () => {
  const { cert, key } = selfSigned();
  const rows: [string, object, object, RegExp, string][] = [
    ['a token file that is not there', { tokenFile: 'token' }, {}, /ENOENT.*token/, 'token'],
    ['a token of two lines', { token: 'two\nlines' }, {}, /Invalid character/, 'the token in the kubeconfig'],
    ['an authority that is not there', {}, { 'certificate-authority': 'ca.crt' }, /ENOENT.*ca\.crt/, 'ca.crt'],
    ['a certificate that is not there', { 'client-certificate': 'a.crt' }, {}, /ENOENT.*a\.crt/, 'a.crt'],
    [
      'half a certificate',
      { 'client-certificate-data': base64(cert.slice(0, 90)) },
      {},
      /PEM/,
      'client-certificate-data',
    ],
    [
      'another certificate’s key',
      { 'client-certificate-data': base64(cert), 'client-key-data': base64(selfSigned().key) },
      {},
      /key values mismatch/,
      'client-key-data',
    ],
    [
      'a plugin that is not there',
      { exec: { command: 'no-plugin' } },
      {},
      /^no credentials: no-plugin is not installed, or not on PATH/,
      'exec plugin no-plugin',
    ],
    [
      'an auth-provider with nothing stored',
      { 'auth-provider': { name: 'gcp' } },
      {},
      /^no credentials: the kubeconfig stores no token for auth-provider gcp$/,
      'auth-provider gcp',
    ],
    ['a plugin that says why', { exec: { command: 'cat', args: ['/no/file'] } }, {}, /No such file/, 'exec plugin cat'],
    // Whatever stops client-node from renewing it.
    [
      'an OIDC login that cannot be renewed',
      oidc({ 'client-id': 'me', 'refresh-token': 'r', 'idp-issuer-url': 'http://127.0.0.1:1' }),
      {},
      /^no credentials: .+/,
      'auth-provider oidc',
    ],
    ['an OIDC login that nothing renews', oidc({}), {}, /neither a token nor a certificate/, 'auth-provider oidc'],
  ];
  test.each(rows)('%s', async (_, user, cluster, message, remedy) => {
    await expect(credentialsOf(user, cluster).present(5_000)).rejects.toMatchObject({
      code: 'no-credentials',
      message: expect.stringMatching(message),
      remedy: expect.stringContaining(remedy),
    });
  });

  test('and where there were others, they stay in use', async () => {
    writeFileSync(file('client.crt'), cert);
    const credentials = credentialsOf({ 'client-certificate': 'client.crt', 'client-key-data': base64(key) });
    const first = await credentials.present(5_000);
    writeFileSync(file('client.crt'), cert.slice(0, 90));
    nowMs = 10_000;
    expect(await credentials.present(5_000)).toBe(first);
    expect(log.warn.mock.calls[0]?.[0].remedy).toContain(file('client.crt'));
  });
});

describe('a plugin that hangs', () => {
  let plugin: FedPlugin;
  beforeEach(() => {
    plugin = new FedPlugin(directory);
  });

  test('holds up nobody for longer than he may wait, and is waited for by all together', async () => {
    const credentials = credentialsOf(plugin.user);
    const late = { code: 'no-credentials', message: 'no credentials within 20 ms' };
    await expect(credentials.present(20)).rejects.toMatchObject(late);
    await expect(credentials.present(20)).rejects.toMatchObject({ remedy: expect.stringContaining('exec plugin sh') });
    const waiting = credentials.present(5_000);
    await plugin.feed('at last');
    expect((await waiting).headers).toEqual({ Authorization: 'Bearer at last' });
    expect(plugin.runs).toBe(1);
  });

  test('leaves the last credentials in use, also after a 401, and says so once', async () => {
    const credentials = credentialsOf(plugin.user);
    const fed = plugin.feed('first');
    const first = await credentials.present(5_000);
    await fed;
    nowMs = 10_000;
    expect(await credentials.present(80)).toBe(first);
    nowMs = 20_000;
    expect(await credentials.present(60_000)).toBe(first);
    expect(await credentials.refresh(first, 20)).toBeNull();
    expect(await credentials.refresh(first, 20)).toBeNull();
    expect(log.warn.mock.calls.map(([{ code }]) => code)).toEqual(['CREDENTIALS_UNREADABLE']);
    const refreshed = credentials.refresh(first, 5_000);
    await plugin.feed('second');
    expect((await refreshed)?.headers).toEqual({ Authorization: 'Bearer second' });
    expect((await credentials.present(5_000)).headers).toEqual({ Authorization: 'Bearer second' });
    expect(plugin.runs).toBe(2);
    expect(log.info.mock.calls.map(([{ code }]) => code)).toEqual(['CREDENTIALS_READABLE']);
  });
});

describe('refreshing', () => {
  test('gives others than those that were refused, and gives connections a version', async () => {
    writeFileSync(file('token'), 'first');
    writeFileSync(file('ca.crt'), 'one');
    const credentials = credentialsOf({ tokenFile: 'token' }, { 'certificate-authority': 'ca.crt' });
    const first = await credentials.present(5_000);
    expect(await credentials.refresh(first, 5_000)).toBeNull();
    expect(first.tlsVersion).toBe(1);
    writeFileSync(file('token'), 'second');
    const second = await credentials.refresh(first, 5_000);
    expect(second).toMatchObject({ headers: { Authorization: 'Bearer second' }, tlsVersion: 1 });
    writeFileSync(file('ca.crt'), 'two');
    expect(await credentials.refresh(second!, 5_000)).toMatchObject({ tls: { ca: 'two' }, tlsVersion: 2 });
  });

  test('gives those at once that were read since', async () => {
    writeFileSync(file('token'), 'first');
    const credentials = credentialsOf({ tokenFile: 'token' });
    const first = await credentials.present(5_000);
    writeFileSync(file('token'), 'second');
    nowMs = 10_000;
    const second = await credentials.present(5_000);
    rmSync(file('token'));
    expect(await credentials.refresh(first, 5_000)).toBe(second);
    expect(log.warn).not.toHaveBeenCalled();
  });

  test('does not hold up those who come meanwhile', async () => {
    writeFileSync(file('token'), 'first');
    const credentials = credentialsOf({ tokenFile: 'token' });
    await credentials.present(5_000);
    writeFileSync(file('token'), 'second');
    nowMs = 10_000;
    const [reading, waiting] = [credentials.present(5_000), credentials.present(5_000)];
    expect((await waiting).headers).toEqual({ Authorization: 'Bearer first' });
    expect((await reading).headers).toEqual({ Authorization: 'Bearer second' });
  });
});

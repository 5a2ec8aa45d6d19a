import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KubeConfigError, loadKubeConfig } from './kubeconfig.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const GOOD = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'east',
  clusters: [{ name: 'east', cluster: { server: 'https://east.example:6443' } }],
  users: [{ name: 'ann', user: { token: 'secret' } }],
  contexts: [{ name: 'east', context: { cluster: 'east', user: 'ann', namespace: 'shop' } }],
};

function write(name: string, content: unknown): string {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const load = (kubeconfig: string | undefined, inCluster = false) =>
  loadKubeConfig({ kubeconfig, inCluster, homeDirectory: directory });

function problemOf(kubeconfig: string | undefined, inCluster = false): KubeConfigError {
  try {
    load(kubeconfig, inCluster);
  } catch (error) {
    if (error instanceof KubeConfigError) return error;
    throw error;
  }
  return expect.fail('it was loaded');
}

describe('the cluster configuration', () => {
  test('is the file that was named, with its namespace', () => {
    const loaded = load(write('config', GOOD));
    expect(loaded.config.getCurrentCluster()?.server).toBe('https://east.example:6443');
    expect(loaded.config.getCurrentUser()?.token).toBe('secret');
    expect(loaded).toMatchObject({ namespace: 'shop', tokenFile: null });
  });

  test('may be several files, of which the first names the context', () => {
    const users = write('users', { apiVersion: 'v1', kind: 'Config', users: GOOD.users });
    const rest = write('rest', { ...GOOD, users: [] });
    const loaded = load(['', rest, users].join(delimiter));
    expect(loaded.config.getCurrentContext()).toBe('east');
    expect(loaded.config.getCurrentUser()?.token).toBe('secret');
  });

  test('has the context that was chosen, or says which there are', () => {
    const west = { name: 'west', context: { cluster: 'east', user: 'ann', namespace: 'wine' } };
    const kubeconfig = write('config', { ...GOOD, contexts: [...GOOD.contexts, west] });
    const choose = (context: string) => loadKubeConfig({ kubeconfig, context, inCluster: false, homeDirectory: '/' });
    expect(choose('west').namespace).toBe('wine');
    expect(() => choose('south')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('no context south'),
        remedy: 'name one of: east, west',
      }),
    );
  });

  test('is ~/.kube/config where nothing is named and this is no pod', () => {
    mkdirSync(join(directory, '.kube'));
    write('.kube/config', GOOD);
    expect(load(undefined).namespace).toBe('shop');
    expect(load(undefined, true).namespace).toBe('shop');
  });

  test.each([
    ['token', 'token'],
    ['/run/token', '/run/token'],
  ])('knows the token file %s of the present user, relative to itself', (given) => {
    const config = { ...GOOD, users: [{ name: 'ann', user: { tokenFile: given } }, { name: 'bob' }] };
    const expected = given.startsWith('/') ? given : join(directory, given);
    expect(load(write('config', config)).tokenFile).toBe(expected);
  });
});

describe('what cannot be used is an error with a remedy', () => {
  const cases: [string, unknown, RegExp][] = [
    ['no YAML', 'clusters: [', /kubeconfig .*broken: /],
    ['no context chosen', { ...GOOD, 'current-context': undefined }, /current-context \(none\) is not defined/],
    ['a context that is not there', { ...GOOD, 'current-context': 'west' }, /current-context west is not defined/],
    ['a cluster that is not there', { ...GOOD, clusters: [] }, /cluster east is not defined/],
    ['a user that is not there', { ...GOOD, users: [] }, /user ann is not defined/],
    ['an empty file', '', /kubeconfig .*broken: /],
  ];
  test.each(cases)('%s', (_, content, message) => {
    const problem = problemOf(write('broken', content));
    expect(problem).toMatchObject({ code: 'KUBECONFIG_INVALID', remedy: expect.stringContaining('KUBECONFIG') });
    expect(problem.message).toMatch(message);
    expect(problem.message).not.toContain('\n');
  });

  test('a file that is not there', () => {
    const path = join(directory, 'nowhere');
    expect(problemOf(path).message).toContain(path);
    expect(problemOf(path).remedy).toContain('readable kubeconfig');
  });

  test('a list of no files', () => {
    expect(problemOf('').message).toContain('(none)');
  });

  test('nothing at all, which is never taken for http://localhost:8080', () => {
    expect(problemOf(undefined).remedy).toContain('leasegate demo');
    expect(problemOf(undefined, true).remedy).toContain('automountServiceAccountToken');
    expect(problemOf(undefined).message).not.toContain('localhost');
  });

  test.each([
    ['without a scheme', '127.0.0.1:6443'],
    ['that only looks as if it had one', 'localhost:6443'],
    ['of another scheme', 'ftp://east.example'],
  ])('a server %s', (_, server) => {
    const problem = problemOf(write('wrong', { ...GOOD, clusters: [{ name: 'east', cluster: { server } }] }));
    expect(problem).toMatchObject({ code: 'KUBECONFIG_INVALID', remedy: expect.stringContaining('https://') });
    expect(problem.message).toContain(JSON.stringify(server));
  });

  test('and no password is shown', () => {
    const servers = [{ server: 'ftp://ann:pw@east' }, { server: 'https://east', 'proxy-url': 'http://ann:pw@proxy' }];
    for (const cluster of servers) {
      const { message } = problemOf(write('config', { ...GOOD, clusters: [{ name: 'east', cluster }] }));
      expect(message).toMatch(/ftp:\/\/east|http:\/\/proxy/);
      expect(message).not.toMatch(/ann|pw/);
    }
  });

  test('a proxy, which would be gone past in silence', () => {
    const cluster = { server: 'https://east.example:6443', 'proxy-url': 'http://proxy.example:3128' };
    const problem = problemOf(write('proxied', { ...GOOD, clusters: [{ name: 'east', cluster }] }));
    expect(problem.message).toContain('proxy-url http://proxy.example:3128 is not supported');
    expect(problem.remedy).toContain('remove proxy-url');
  });
});

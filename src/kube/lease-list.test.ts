import { expect, test } from 'vitest';
import { systemClock } from '../ports/clock.ts';
import type { KubeClient } from './client.ts';
import { LeaseList } from './lease-list.ts';
import { type KubeReply, type KubeRequest, type KubeStreamHandlers, TransportError } from './transport.ts';

type Lease = { readonly metadata: { readonly uid: string; readonly name: string } };
const lease = (name: string): Lease => ({ metadata: { uid: name, name } });

/** Answers requests in their order, and keeps a watch open for the test to speak through. */
function listOf(namespace: string | null, ...answers: readonly (Partial<KubeReply> | Error)[]) {
  const asked: string[] = [];
  let handlers: KubeStreamHandlers | undefined;
  const waiting = [...answers];
  const transport = {
    request: async ({ path }: KubeRequest): Promise<KubeReply> => {
      asked.push(path);
      const answer = waiting.shift();
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('not foreseen');
      return { status: 200, body: null, retryAfterMs: null, ...answer };
    },
    stream: ({ path }: KubeRequest, given: KubeStreamHandlers) => {
      asked.push(path);
      handlers = given;
      return { close: () => {} };
    },
  };
  const list = new LeaseList<Lease>({ transport } as unknown as KubeClient, systemClock, namespace);
  return { list, asked, stream: () => handlers! };
}

const page = (names: readonly string[], next = '') => ({
  body: { kind: 'LeaseList', metadata: { resourceVersion: '7', continue: next }, items: names.map(lease) },
  date: 'Thu, 01 Jan 2026 00:00:00 GMT',
});

test('a long list comes page by page, and tells the server’s time', async () => {
  const { list, asked } = listOf(null, page(['a', 'b'], 'more&more'), page(['c']));
  expect(await list.list()).toEqual({
    leases: ['a', 'b', 'c'].map(lease),
    resourceVersion: '7',
    serverWallMs: Date.parse('2026-01-01T00:00:00Z'),
  });
  expect(asked).toEqual([
    '/apis/coordination.k8s.io/v1/leases?limit=500',
    '/apis/coordination.k8s.io/v1/leases?limit=500&continue=more%26more',
  ]);
});

test('what can not be listed is a failure with its code', async () => {
  const forbidden = { status: 403, body: { kind: 'Status', message: 'leases is forbidden' } };
  expect(await listOf('shop', forbidden).list.list()).toMatchObject({ failure: { code: 'forbidden' } });
  expect(await listOf('shop', { body: '<html>' }).list.list()).toMatchObject({ failure: { code: 'unexpected' } });
  const unreachable = listOf('shop', new TransportError('unreachable', 'ECONNREFUSED'));
  expect(await unreachable.list.list()).toMatchObject({ failure: { code: 'unreachable' } });
});

test.each([
  ['ends properly', (stream: KubeStreamHandlers) => stream.onEnd(null), null],
  [
    'is of a version that is forgotten',
    (stream: KubeStreamHandlers) => stream.onLine('{"type":"ERROR","object":{"code":410}}'),
    null,
  ],
  [
    'is refused for the same',
    (stream: KubeStreamHandlers) =>
      stream.onEnd({ status: 410, body: { kind: 'Status', reason: 'Gone' }, retryAfterMs: null }),
    null,
  ],
  [
    'breaks',
    (stream: KubeStreamHandlers) => stream.onEnd(new TransportError('reset', 'ECONNRESET')),
    expect.objectContaining({ code: 'reset' }),
  ],
  [
    'tells of nothing',
    (stream: KubeStreamHandlers) => stream.onLine('{"type":"ADDED","object":null}'),
    expect.objectContaining({ code: 'unexpected' }),
  ],
  [
    'makes no sense',
    (stream: KubeStreamHandlers) => stream.onLine('<html>'),
    expect.objectContaining({ code: 'unexpected' }),
  ],
])('a watch tells of each change, and once that it %s', (_, end, failure) => {
  const { list, asked, stream } = listOf('shop');
  const told: unknown[] = [];
  list.watch('7', {
    seen: ({ metadata }) => told.push(`seen ${metadata.name}`),
    gone: ({ metadata }) => told.push(`gone ${metadata.name}`),
    ended: (why) => told.push(why),
  });
  expect(asked[0]).toMatch(
    /^\/apis\/coordination.k8s.io\/v1\/namespaces\/shop\/leases\?watch=true.*resourceVersion=7$/,
  );
  for (const type of ['ADDED', 'MODIFIED', 'BOOKMARK', 'DELETED']) {
    stream().onLine(JSON.stringify({ type, object: lease('web') }));
  }
  end(stream());
  stream().onLine(JSON.stringify({ type: 'ADDED', object: lease('late') }));
  expect(told).toEqual(['seen web', 'seen web', 'gone web', failure]);
});

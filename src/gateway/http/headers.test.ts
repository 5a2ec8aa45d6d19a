import { describe, expect, test } from 'vitest';
import { plainAddress, requestHeaders, responseHeaders, trailers, wantsTunnel } from './headers.ts';

const context = {
  identity: 'a_uid_1',
  fencingToken: '101',
  remoteAddress: '10.0.0.5',
  forwarded: 'replace',
  announcesTrailers: false,
} as const;
const ADDED = [
  'X-Forwarded-For',
  '10.0.0.5',
  'X-Forwarded-Host',
  'a',
  'X-Forwarded-Proto',
  'http',
  'Leasegate-Fencing-Token',
  '101',
  'Leasegate-Identity',
  'a_uid_1',
];

describe('headers of a request', () => {
  test('keep order, spelling and repetition', () => {
    const raw = ['Host', 'a', 'x-One', '1', 'X-ONE', '2', 'Cookie', 'é=1'];
    expect(requestHeaders(raw, undefined, context)).toEqual([...raw, ...ADDED]);
  });

  test.each([
    'Connection',
    'KEEP-ALIVE',
    'Proxy-Connection',
    'Proxy-Authorization',
    'Proxy-Authenticate',
    'Transfer-Encoding',
    'Upgrade',
    'TE',
    'Expect',
    'Trailer',
    'Leasegate-Anything',
    'X-Forwarded-Prefix',
    'Forwarded',
    'Leasegate_Fencing_Token',
    'leasegate.fencing-token',
    'X_Forwarded_For',
    'x-forwarded_for',
    'X.Forwarded.Host',
  ])('lose %s', (name) => {
    expect(requestHeaders(['Host', 'a', name, 'x'], undefined, context)).toEqual(['Host', 'a', ...ADDED]);
  });

  test.each(['append', 'keep'] as const)(
    'lose what an application could take for ours under the rule %j',
    (forwarded) => {
      const raw = ['X_Forwarded_For', '6.6.6.6', 'Leasegate_Identity', 'x'];
      expect(requestHeaders(['Host', 'a', ...raw], undefined, { ...context, forwarded })).toEqual([
        'Host',
        'a',
        ...ADDED,
      ]);
    },
  );

  test('keep what only begins like ours', () => {
    const raw = ['Host', 'a', 'Leasegateway', '1', 'X-Forwarding', '2', 'X-Forwarded', '3'];
    expect(requestHeaders(raw, undefined, context)).toEqual([...raw, ...ADDED]);
  });

  test('lose what Connection lists, but never what routes or frames a message, or what we say', () => {
    const connection = 'X-One ,x-TWO,, Host, Content-Length, X-Forwarded-For, Leasegate-Identity';
    const raw = ['Host', 'a', 'X-One', '1', 'X-Two', '2', 'X-Three', '3', 'Content-Length', '5'];
    expect(requestHeaders(raw, connection, context)).toEqual([
      'Host',
      'a',
      'X-Three',
      '3',
      'Content-Length',
      '5',
      ...ADDED,
    ]);
  });

  test('of a request to another replica carry no token, and what a peer says of the client is kept', () => {
    const outwards = requestHeaders(['Host', 'a'], undefined, { ...context, fencingToken: null });
    expect(outwards.join()).not.toMatch(/leasegate/i);
    const inwards = requestHeaders(outwards, undefined, { ...context, remoteAddress: '10.0.0.9', forwarded: 'keep' });
    expect(inwards.toSorted()).toEqual(['Host', 'a', ...ADDED].toSorted());
  });

  test('have no forwarded host where the client named none', () => {
    expect(requestHeaders([], undefined, context)).not.toContain('X-Forwarded-Host');
  });
});

describe('headers of an answer', () => {
  const rules = { chunked: true, fromPeer: false };

  test('lose what belongs to the connection, and what only a peer may say', () => {
    const headers = {
      connection: ['X-One', 'keep-alive'],
      'x-one': '1',
      'x-two': ['2', '3'],
      'transfer-encoding': 'chunked',
    };
    const peer = { 'leasegate-refused': 'not-leader' };
    expect(responseHeaders({ ...headers, ...peer }, rules)).toEqual(['x-two', '2', 'x-two', '3']);
    expect(responseHeaders(peer, { ...rules, fromPeer: true })).toEqual(['leasegate-refused', 'not-leader']);
  });

  test('announce trailers only where they can follow', () => {
    expect(responseHeaders({ trailer: 'X' }, rules)).toEqual(['trailer', 'X']);
    expect(responseHeaders({ trailer: 'X' }, { ...rules, chunked: false })).toEqual([]);
  });
});

test('trailers that frame, route, authorise or forge are not passed on', () => {
  const forbidden = ['content-length', 'transfer-encoding', 'host', 'trailer', 'authorization', 'set-cookie'];
  const ours = ['leasegate-identity', 'x-forwarded-for', 'leasegate_identity', 'x_forwarded_for'];
  const fields = Object.fromEntries([...forbidden, ...ours].map((name) => [name, 'x']));
  expect(trailers({ ...fields, 'x-sum': ['1', '2'] })).toEqual([
    ['x-sum', '1'],
    ['x-sum', '2'],
  ]);
});

test.each([
  ['websocket', '1.1', true],
  ['SPDY/3.1, tcp', '1.1', true],
  ['websocket', '1.0', false],
  ['h2c', '1.1', false],
  ['websocket, H2C', '1.1', false],
  ['h2', '1.1', false],
  [undefined, '1.1', false],
])('Upgrade %j in HTTP/%s may become a tunnel: %j', (upgrade, version, wanted) => {
  expect(wantsTunnel(upgrade === undefined ? {} : { upgrade }, version)).toBe(wanted);
});

test.each([
  ['::ffff:10.0.0.5', '10.0.0.5'],
  ['fd00::5', 'fd00::5'],
  ['10.0.0.5', '10.0.0.5'],
  [undefined, 'unknown'],
])('the address %j is told as %j', (address, told) => {
  expect(plainAddress(address)).toBe(told);
});

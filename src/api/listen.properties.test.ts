import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_ERRORS, type ApiErrorCode } from './errors.ts';
import { answersIn, exchange, TOO_LONG } from './exchange.fixture.ts';
import { type Listener, listen } from './listen.ts';
import { type Fixture, fixture, recordingLog } from './test-fixture.ts';

let f: Fixture;
let listeners: readonly Listener[];

beforeAll(async () => {
  f = fixture();
  f.lead();
  const options = { option: 'X', host: '127.0.0.1', port: 0, log: recordingLog() };
  listeners = await Promise.all([
    listen(f.api.local, { ...options, quickAnswers: f.api.quickAnswers }),
    listen(f.api.probe, options),
  ]);
});
afterAll(async () => {
  f.api.close();
  await Promise.all(listeners.map((listener) => listener.close(0)));
});

/** Requests of which none may change anything, right and wrong. */
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('/leader', '/is-standby', '/readyz', '/', '/metrics', '/leader/events', '/pause')
      .chain((path) => fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'PUT').map((method) => `${method} ${path} HTTP/1.1`)),
  },
  fc.constantFrom(
    ...[
      'GET /leader HTTP/1.0',
      'CONNECT localhost:1 HTTP/1.1',
      'PRI * HTTP/2.0',
      'GET http://localhost/leader HTTP/1.1',
      '',
    ],
    ...[
      'OPTIONS * HTTP/1.1',
      'TRACE / HTTP/1.1',
      'GET /leader HTTP/9.9',
      'GET',
      'GET /\u00ff HTTP/1.1',
      'GET /% HTTP/1.1',
    ],
    ...[`GET /${'a'.repeat(4_000)} HTTP/1.1`],
  ),
);
const goodHeader = fc.constantFrom(
  'Accept: text/html',
  'Accept: ;;;,,q=',
  'Connection: close',
  'Upgrade: h2c',
  'Origin: null',
  'X: \u00ff',
);
const badHeader = fc.constantFrom(
  ...[
    'Host: localhost',
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: 99999999999999999999',
    ': no name',
  ],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Expect: 100-continue', 'Connection: Upgrade'],
  ...['Content-Type: application/json', ' folded: yes', 'no colon', 'X: \u0000', `X: ${TOO_LONG}`],
);
const host = fc.oneof(
  { weight: 6, arbitrary: fc.constant(['Host: localhost']) },
  fc.constantFrom(['Host: evil.example'], ['Host:'], []),
);
const headers = fc
  .tuple(host, fc.array(fc.oneof({ weight: 6, arbitrary: goodHeader }, badHeader), { maxLength: 3 }))
  .map((parts) => parts.flat());
const end = fc.oneof(
  { weight: 6, arbitrary: fc.constant('\r\n\r\n') },
  fc.constantFrom('\r\n\r\nhello', '\r\n\r\n5\r\nhello\r\n0\r\n\r\n', '\r\n\r\nzz\r\n', '\n\n', '\r\n', '\r\n\r\n{'),
);
const request = fc.tuple(line, headers, end).map(([line, headers, end]) => [line, ...headers].join('\r\n') + end);
const bytes = fc.oneof(
  { weight: 9, arbitrary: request },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1')) },
);
/** A place where something is taken out and something else put in. */
const damage = fc.record({
  at: fc.nat(),
  removed: fc.nat({ max: 4 }),
  inserted: fc.oneof(
    fc.constantFrom('', '\r', '\n', '\r\n', ' ', '\t', '\0', ':', '\u00ff', '%', '/'),
    fc.string({ maxLength: 3 }),
  ),
});
/** A connection's bytes, damaged, and cut where its packets begin. */
const sent = fc
  .record({
    parts: fc.array(bytes, { minLength: 1, maxLength: 4 }),
    damages: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(damage, { maxLength: 3 })),
    cuts: fc.array(fc.nat(), { maxLength: 4 }),
  })
  .map(({ parts, damages, cuts }) => {
    let text = parts.join('');
    for (const { at, removed, inserted } of damages) {
      const place = at % (text.length + 1);
      text = text.slice(0, place) + inserted + text.slice(place + removed);
    }
    const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
    return [0, ...places].map((from, index) => text.slice(from, places[index]));
  });

const how = fc.constantFrom<'end' | 'reset'>('end', 'end', 'end', 'reset');

/** What answers without a body of the API say: that it was no HTTP, was too long or asked for what HTTP knows and this does not. */
const PLAIN_STATUSES = [100, 400, 413, 417, 431, 505];

test('whatever bytes come, in whatever pieces, only HTTP goes back: no crash, no 5xx of a defect, nothing changed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1 }), sent, how, async (which, pieces, how) => {
      const told = await exchange(listeners[which]!.port, pieces, how);
      // Cut off, an answer may be half of one.
      for (const { status, headers, body } of how === 'end' ? answersIn(told) : []) {
        const error =
          body !== '' && status >= 400 ? (JSON.parse(body).error as { code: ApiErrorCode } | undefined) : undefined;
        if (error !== undefined) expect(API_ERRORS[error.code]).toBe(status);
        else if (!['content-length', 'transfer-encoding', 'content-type'].some((name) => name in headers)) {
          expect(PLAIN_STATUSES).toContain(status);
        }
        expect(status === 503 || status === 505 || status < 500, `${status}`).toBe(true);
        expect(error?.code).not.toBe('INTERNAL');
      }
      expect([f.control.calls, f.control.paused]).toEqual([[], false]);
      const after = await fetch(`http://127.0.0.1:${listeners[which]!.port}/leader`);
      expect(await after.json()).toMatchObject({ isLeader: true, validForMs: 10_000, fencingToken: '4711' });
    }),
    { numRuns: 400 },
  );
  expect(f.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  expect(f.api.eventStreams).toBe(0);
});

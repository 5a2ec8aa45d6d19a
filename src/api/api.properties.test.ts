import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_ERRORS, type ApiErrorCode } from './errors.ts';
import { LIMITS } from './limits.ts';
import { type Listener, listen } from './listen.ts';
import { type Fixture, fixture, OTHER_IDENTITY, OWN_IDENTITY, recordingLog } from './test-fixture.ts';

let f: Fixture;
let listeners: Record<'local' | 'probe', Listener>;
/** Connections are used again, as clients do. */
const agent = new Agent({ keepAlive: true, maxSockets: 2 });

beforeAll(async () => {
  f = fixture();
  const options = { option: 'X', host: '127.0.0.1', port: 0, log: recordingLog() };
  listeners = {
    local: await listen(f.api.local, { ...options, quickAnswers: f.api.quickAnswers }),
    probe: await listen(f.api.probe, options),
  };
});
afterAll(async () => {
  agent.destroy();
  f.api.close();
  await Promise.all([listeners.local.close(0), listeners.probe.close(0)]);
});

/** What is asked of the API, in which state. */
const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
const READS = ['/leader', '/is-leader', '/is-standby', '/candidacy', '/healthz', '/readyz', '/metrics'];
const READ_METHODS = ['GET', 'HEAD', 'OPTIONS'];
const CHANGES = ['/step-down', '/pause', '/resume'];
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...READS, '/readyz', '/', '/leader/events') },
  { weight: 6, arbitrary: fc.constantFrom(...CHANGES) },
  fc.constantFrom(
    ...['/leader/', '//leader', '/LEADER', '/%6ceader', '/leader;a', '/./leader', '/leader%00', '*', '//'],
  ),
  // Anything that somebody could take for one of the routes that change something.
  fc
    .tuple(
      fc.constantFrom('', 'http://localhost', 'http://localhost:1', 'https://[::1]', '/.', '/', 'http:', 'x:'),
      fc.constantFrom(...CHANGES, '/', '/leader'),
      fc.constantFrom(
        '',
        '/',
        '#',
        '#x',
        '\u00a0',
        '%20',
        '%23',
        ';',
        '\\',
        '/..',
        '%2f',
        '\u00ff',
        "'",
        '"',
        '{}',
        '|',
      ),
    )
    .map((parts) => parts.join('')),
  fc.webPath().map((text) => text || '/'),
  fc.webUrl(),
);
const query = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  fc.constantFrom(
    '?',
    '?x=1',
    '?leader=true',
    '?leader=false',
    '?leader=1',
    '?leader=',
    '?leader=true&leader=x',
    '?%',
    '?_method=POST',
    '?#/pause',
  ),
  fc.webQueryParameters({ size: 'small' }).map((text) => `?${text}`),
);
const TOO_LARGE = `{"immediate":true}${' '.repeat(LIMITS.bodyBytesMax)}`;
const body = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: fc.constantFrom('{}', '{"immediate":true}', '{"immediate":false}', TOO_LARGE) },
  fc.constantFrom(
    '{',
    '[]',
    'null',
    '"immediate"',
    ' ',
    '{"immediate":"true"}',
    '{"immediate":null}',
    '{"to":"web-1"}',
    '{"to":"web-1","immediate":true}',
    '{"to":"Web 1"}',
    '{"to":"web-0"}',
    '{"__proto__":{"immediate":true}}',
  ),
  fc.constantFrom('\u00ff', `${'['.repeat(2_000)}${']'.repeat(2_000)}`),
  fc.json({ depthSize: 'small' }),
);
const asked = fc
  .record({
    fittingMethod: often<number | null>(0, 1, 2, null),
    listener: often<'local' | 'probe'>('local', 'probe'),
    method: fc.constantFrom(
      'GET',
      'GET',
      'HEAD',
      'OPTIONS',
      'POST',
      'POST',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'TRACE',
      'QUERY',
      'PURGE',
    ),
    path,
    query,
    host: often(
      'localhost',
      '127.0.0.1:4040',
      '[::1]',
      'LOCALHOST:1',
      'evil.example',
      '10.0.0.7:4040',
      '127.0.0.1.evil.example',
    ),
    origin: often(
      undefined,
      'http://localhost',
      'http://LOCALHOST',
      'http://evil.example',
      'null',
      'https://localhost',
      '',
    ),
    site: often(undefined, 'same-origin', 'none', 'cross-site', 'same-site', ''),
    accept: often(undefined, '*/*', 'text/html', 'application/json', 'text/html;q=0', ';;', 'text/html,*/*;q=0.8'),
    type: often(
      'application/json',
      undefined,
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'text/plain',
      'application/jsonp',
      ';',
      'application/x-www-form-urlencoded',
    ),
    encoding: often(undefined, 'gzip', 'identity', 'br'),
    chunked: often(false, true),
    body,
  })
  .map(({ fittingMethod, ...one }) => {
    const methods = methodsOf(one);
    if (fittingMethod === null || methods === undefined) return one;
    return { ...one, method: methods[fittingMethod % methods.length]! };
  });
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;
const state = fc.record({
  role: fc.constantFrom('leads', 'follows'),
  wedged: often(false, true),
  unready: often(false, true),
  outcome: fc.constantFrom('released' as const, 'unreleased' as const, 'not-leading' as const),
});
type State = typeof state extends fc.Arbitrary<infer T> ? T : never;

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends it as it is; of an endless answer takes what comes first. */
function ask({
  listener,
  method,
  path,
  query,
  host,
  origin,
  site,
  accept,
  type,
  encoding,
  chunked,
  body,
}: Asked): Promise<Answered> {
  const bytes = Buffer.from(body, 'latin1');
  const given = {
    Host: host,
    Origin: origin,
    'Sec-Fetch-Site': site,
    Accept: accept,
    ...(body !== '' && { 'Content-Type': type, 'Content-Encoding': encoding }),
    ...(body !== '' && (chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': bytes.length })),
  };
  const headers = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  return new Promise((resolve, reject) => {
    const { port } = listeners[listener];
    const sent = request({ host: '127.0.0.1', port, agent, method, path: path + query, headers }, async (response) => {
      response.setEncoding('utf8');
      let text = '';
      try {
        for await (const chunk of response) {
          text += chunk;
          if (response.headers['content-type']?.startsWith('text/event-stream')) break;
        }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      } catch (error) {
        reject(error);
      }
    });
    // A body that is refused unread may meet a closed connection; the answer has been sent by then.
    sent.on('error', (error) => reject(error));
    sent.end(bytes);
  });
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1:4040', '[::1]', 'LOCALHOST:1'];

/** The methods of a route as docs/http-api.md has them; undefined where there is no such route. */
function methodsOf({ listener, path }: { readonly listener: string; readonly path: string }): string[] | undefined {
  if (READS.includes(path)) return READ_METHODS;
  if (listener === 'probe') return undefined;
  if (path === '/' || path === '/leader/events') return ['GET', 'HEAD'];
  return CHANGES.includes(path) ? ['POST'] : undefined;
}

/** Every refusal that the reference names for this request. Which of several is given is left open. */
function refusalsOf(one: Asked, state: State): ApiErrorCode[] {
  if (one.listener === 'local' && !LOOPBACK_HOSTS.includes(one.host)) return ['FORBIDDEN_HOST'];
  const methods = methodsOf(one);
  if (methods === undefined) return ['NOT_FOUND'];
  if (!methods.includes(one.method)) return ['METHOD_NOT_ALLOWED'];
  if (one.path === '/healthz' && state.wedged) return ['LOOP_WEDGED'];
  if (one.path === '/readyz') return readyRefusals(one, state);
  return CHANGES.includes(one.path) ? changeRefusals(one, state) : [];
}

function readyRefusals({ query }: Asked, { role, unready }: State): ApiErrorCode[] {
  const wanted = new URLSearchParams(query).get('leader');
  if (wanted !== null && wanted !== 'true' && wanted !== 'false') return ['INVALID_QUERY'];
  if (unready) return ['NOT_READY'];
  return wanted === 'true' && role === 'follows' ? ['STANDBY'] : [];
}

function changeRefusals(
  { path, host, origin, site, type, encoding, body }: Asked,
  { role, outcome }: State,
): ApiErrorCode[] {
  const refusals: ApiErrorCode[] = [];
  const foreign = origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`;
  if (foreign || (site !== undefined && site !== 'same-origin' && site !== 'none')) refusals.push('FORBIDDEN_ORIGIN');
  if (body !== '') refusals.push(...bodyRefusals(path, body, type, encoding));
  if (refusals.length > 0 || path !== '/step-down') return refusals;
  const to = body === '' ? undefined : JSON.parse(body).to;
  if (to !== undefined && role === 'follows') return ['NOT_LEADING'];
  if (to === 'web-0') return ['TARGET_NOT_CANDIDATE'];
  if (outcome === 'not-leading') return ['NOT_LEADING'];
  return refusals;
}

function bodyRefusals(
  path: string,
  body: string,
  type: string | undefined,
  encoding: string | undefined,
): ApiErrorCode[] {
  const refusals: ApiErrorCode[] = [];
  if (!/^application\/json(;|$)/i.test(type ?? '')) refusals.push('UNSUPPORTED_MEDIA_TYPE');
  if (encoding !== undefined && encoding !== 'identity') refusals.push('UNSUPPORTED_MEDIA_TYPE');
  if (body.length > 4_096) refusals.push('BODY_TOO_LARGE');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body, 'latin1').toString());
  } catch {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [...refusals, 'INVALID_BODY'];
  const entries = Object.entries(value);
  const known = path === '/resume' ? [] : path === '/pause' ? ['immediate'] : ['immediate', 'to'];
  if (entries.some(([name]) => !known.includes(name))) refusals.push('UNKNOWN_FIELD');
  if (entries.some(([name, given]) => name === 'immediate' && typeof given !== 'boolean'))
    refusals.push('INVALID_FIELD');
  if (entries.some(([name, given]) => name === 'to' && !/^web-\d$/.test(String(given)))) refusals.push('INVALID_FIELD');
  return refusals;
}

const leaderAnswer = (role: string) => ({
  isLeader: role === 'leads',
  identity: OWN_IDENTITY,
  leader:
    role === 'leads'
      ? { identity: OWN_IDENTITY, pod: 'web-0', address: '10.0.0.1:4042' }
      : { identity: OTHER_IDENTITY, pod: 'web-1', address: '10.0.0.2:4042' },
  validForMs: role === 'leads' ? 10_000 : 0,
  fencingToken: role === 'leads' ? '4711' : null,
  term: { transitions: 3, acquireTime: '2026-01-02T03:04:05.000000Z' },
  lease: { namespace: 'shop', name: 'web', uid: 'uid-1' },
});

function expectServed(one: Asked, { role, outcome }: State, { status, headers, text }: Answered): void {
  const { method, path } = one;
  const [whenTrue, whenFalse] = role === 'leads' ? [200, 503] : [503, 200];
  expect(status).toBe(path === '/is-leader' ? whenTrue : path === '/is-standby' ? whenFalse : 200);
  if (method === 'OPTIONS') expect(headers.allow).toBe('GET, HEAD, OPTIONS');
  if (method === 'HEAD') return;
  if (['/leader', '/is-leader', '/is-standby'].includes(path)) expect(JSON.parse(text)).toEqual(leaderAnswer(role));
  if (path === '/healthz' || path === '/readyz') expect(JSON.parse(text)).toEqual({ status: 'ok' });
  if (path === '/metrics') expect(text).toContain('leader_election_master_status');
  if (path === '/leader/events') expect(text).toMatch(/^retry: 2000\nid: \d+\nevent: leadership\ndata: \{/);
  if (path === '/' && headers['content-type']?.startsWith('application/json')) {
    expect(JSON.parse(text)).toEqual({ name: leaderAnswer(role).leader.pod });
  }
  if (path === '/step-down') expect(JSON.parse(text)).toEqual({ result: outcome, tookMs: 12 });
  if (path === '/pause') expect(JSON.parse(text)).toEqual({ paused: true, result: outcome, tookMs: 12 });
  if (path === '/resume') expect(JSON.parse(text)).toEqual({ paused: false });
}

/** What the election is to be asked for by a request that is served. */
function callsOf({ path, body }: Asked): string[] {
  if (!CHANGES.includes(path)) return [];
  const { immediate = false, to } = body === '' ? {} : JSON.parse(body);
  const named = to === undefined ? '' : ` to=${OTHER_IDENTITY}`;
  return path === '/resume' ? ['resume'] : [`${path.slice(1)} immediate=${immediate}${named}`];
}

test('every request is served or refused as the reference says, and nothing is changed but by a POST that may', async () => {
  await fc.assert(
    fc.asyncProperty(asked, state, async (one, state) => {
      if (state.role === 'leads') f.lead();
      else f.follow();
      f.health.wedgedBy = state.wedged ? 'wedged' : null;
      f.health.unreadyBy = state.unready ? 'unready' : null;
      f.control.outcome = { result: state.outcome, tookMs: 12 };
      f.control.calls.length = 0;

      const answered = await ask(one);
      const { status, headers, text } = answered;
      // A target that HTTP does not know gets the empty 400.
      if (!/^\/[\x21-\x7e]*$/.test(one.path + one.query) && status === 400 && text === '') {
        expect(f.control.calls).toEqual([]);
        return;
      }
      expect(headers['cache-control']).toBe('no-store');
      expect(Object.keys(headers).filter((name) => /^(access-control|x-powered|server)/.test(name))).toEqual([]);
      if (one.method === 'HEAD') expect(text).toBe('');

      const refusals = refusalsOf(one, state);
      // Who does not lead looks nobody up.
      const transfers = one.body !== '' && one.body.includes('"to"');
      const asksAnyway = refusals.includes('NOT_LEADING') && !(transfers && state.role === 'follows');
      expect(f.control.calls).toEqual(refusals.length === 0 || asksAnyway ? callsOf(one) : []);
      if (refusals.length === 0) return expectServed(one, state, answered);
      expect(refusals.map((code) => API_ERRORS[code])).toContain(status);
      expect(headers['content-type']).toBe('application/json; charset=utf-8');
      if (status === 405) expect(headers.allow?.split(', ')).toEqual(methodsOf(one));
      if (one.method === 'HEAD') return;
      const { error, ...rest } = JSON.parse(text);
      expect(refusals).toContain(error.code);
      expect([API_ERRORS[error.code as ApiErrorCode], typeof error.message, rest]).toEqual([status, 'string', {}]);
    }),
    { numRuns: 800 },
  );
  expect(f.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

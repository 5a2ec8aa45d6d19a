import { describe, expect, test } from 'vitest';
import { type Failure, failureOf, failureOfError } from './errors.ts';
import { TransportError } from './transport.ts';

describe('a reply that is no success', () => {
  const rows: [number, object, Failure['code'], boolean][] = [
    [400, {}, 'invalid', false],
    [401, {}, 'unauthorized', false],
    [403, { reason: 'Forbidden' }, 'forbidden', false],
    [404, { details: { kind: 'leases' } }, 'not-found', false],
    [404, { details: { kind: 'namespaces' } }, 'namespace-missing', false],
    [409, { reason: 'Conflict' }, 'conflict', false],
    [409, { reason: 'AlreadyExists' }, 'already-exists', false],
    [410, { reason: 'Expired' }, 'gone', false],
    [418, {}, 'unexpected', false],
    [302, {}, 'unexpected', false],
    [422, { reason: 'Invalid' }, 'invalid', false],
    [429, { reason: 'TooManyRequests' }, 'throttled', false],
    [500, {}, 'server-error', true],
    [502, {}, 'server-error', true],
    [504, { reason: 'Timeout' }, 'server-error', true],
  ];
  test.each(rows)('%d with %j is %s; may have taken effect: %j', (status, body, code, mayHaveHappened) => {
    const reply = { status, body: { ...body, message: 'as the server puts it' }, retryAfterMs: 1_000 };
    expect(failureOf(reply)).toEqual({ code, message: 'as the server puts it', mayHaveHappened, retryAfterMs: 1_000 });
  });

  test('speaks in its own words even when they are no Status, but not at length', () => {
    const text = 'bad gateway '.repeat(100);
    expect(failureOf({ status: 502, body: text, retryAfterMs: null }).message).toBe(text.slice(0, 200));
    expect(failureOf({ status: 503, body: null, retryAfterMs: null }).message).toBe('HTTP 503');
    expect(failureOf({ status: 404, body: '404 page not found', retryAfterMs: null }).code).toBe('not-found');
  });
});

describe('no reply', () => {
  test.each([
    ['unreachable', false],
    ['reset', true],
    ['timeout', true],
  ] as const)('%s: may have taken effect: %j', (code, mayHaveHappened) => {
    expect(failureOfError(new TransportError(code, 'why'))).toEqual({
      code,
      message: 'why',
      mayHaveHappened,
      retryAfterMs: null,
    });
  });

  test('for a reason that is a defect of ours is not made up into a failure', () => {
    const defect = new TypeError('undefined is not a function');
    expect(() => failureOfError(defect)).toThrow(defect);
  });
});

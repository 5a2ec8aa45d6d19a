import { describe, expect, test } from 'vitest';
import { type Failure, failureOf, failureOfError } from './errors.ts';
import { TransportError } from './transport.ts';

const NOT_FOUND = { kind: 'Status', reason: 'NotFound' };
const CART = { resource: 'leases', name: 'cart' };

describe('a reply that is no success', () => {
  const rows: [number, object, Failure['code'], boolean][] = [
    [400, {}, 'invalid', false],
    [401, {}, 'unauthorized', false],
    [403, { reason: 'Forbidden' }, 'forbidden', false],
    [404, { ...NOT_FOUND, details: { kind: 'leases', name: 'cart' } }, 'not-found', false],
    [404, { ...NOT_FOUND, details: { kind: 'leases', name: 'another' } }, 'unexpected', false],
    [404, { ...NOT_FOUND, details: { kind: 'leases' } }, 'unexpected', false],
    [404, { ...NOT_FOUND, details: { kind: 'pods', name: 'cart' } }, 'unexpected', false],
    [404, { ...NOT_FOUND, details: {} }, 'unexpected', false],
    [404, { ...NOT_FOUND, kind: 'Problem', details: { kind: 'leases', name: 'cart' } }, 'unexpected', false],
    [404, { kind: 'Status', details: { kind: 'leases', name: 'cart' } }, 'unexpected', false],
    [404, {}, 'unexpected', false],
    [404, { ...NOT_FOUND, details: { kind: 'namespaces', name: 'shop' } }, 'namespace-missing', false],
    [404, { details: { kind: 'namespaces' } }, 'unexpected', false],
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
    expect(failureOf(reply, CART)).toEqual({
      code,
      message: 'as the server puts it',
      mayHaveHappened,
      retryAfterMs: 1_000,
    });
  });

  test('speaks in its own words even when they are no Status, but not at length', () => {
    const text = 'bad gateway '.repeat(100);
    expect(failureOf({ status: 502, body: text, retryAfterMs: null }, CART).message).toBe(text.slice(0, 200));
    expect(failureOf({ status: 503, body: null, retryAfterMs: null }, CART).message).toBe('HTTP 503');
    expect(failureOf({ status: 404, body: '404 page not found\n', retryAfterMs: null }, CART)).toMatchObject({
      code: 'unexpected',
      message: '404 page not found',
    });
  });

  test('never says that something is missing where nothing was asked for by name', () => {
    const body = { ...NOT_FOUND, details: { kind: 'leases', name: 'cart' } };
    expect(failureOf({ status: 404, body, retryAfterMs: null }, null).code).toBe('unexpected');
  });
});

describe('no reply', () => {
  test.each([
    ['no-credentials', false],
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

  test('may come with a remedy', () => {
    expect(failureOfError(new TransportError('no-credentials', 'why', 'look there'))).toMatchObject({
      remedy: 'look there',
    });
  });

  test('for a reason that is a defect of ours is not made up into a failure', () => {
    const defect = new TypeError('undefined is not a function');
    expect(() => failureOfError(defect)).toThrow(defect);
  });
});

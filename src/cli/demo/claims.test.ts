import { beforeEach, describe, expect, test } from 'vitest';
import { Claims } from './claims.ts';

let claims: Claims;

beforeEach(() => {
  claims = new Claims();
});

/** A question sent at `sentMs`, answered 5 ms later with a claim for 3 s. */
const claim = (replica: string, token: string, sentMs: number) =>
  claims.claimed(replica, token, sentMs, sentMs + 5, 3_000);

describe('two leaders at once', () => {
  test('are found when one claims to lead before and after the other does', () => {
    claim('a', '1', 0);
    claim('b', '2', 100);
    expect(claims.conflict()).toBeNull();
    claim('a', '1', 200);
    claim('b', '2', 300);
    expect(claims.conflict()).toBe('a (token 1) and b (token 2)');
  });

  test('are found when one leads while the promise of a killed one still stands', () => {
    claim('a', '1', 0);
    claims.vanished('a');
    claim('b', '2', 2_900);
    claim('b', '2', 2_990);
    expect(claims.conflict()).toBe('a (token 1) and b (token 2)');
  });

  test('are not seen in an orderly succession', () => {
    claim('a', '1', 0);
    claim('a', '1', 100);
    claims.claimed('b', '2', null, 101, 3_000);
    claim('b', '2', 102);
    claim('b', '2', 200);
    expect(claims.conflict()).toBeNull();
  });

  test('are not seen when a killed leader is followed after its promise has lapsed', () => {
    claim('a', '1', 0);
    claims.vanished('a');
    claim('b', '2', 3_001);
    claim('b', '2', 3_100);
    expect(claims.conflict()).toBeNull();
  });

  test('are not seen when a frozen leader goes on, says that it stops, and another takes over at once', () => {
    claim('a', '1', 0);
    claims.vanished('a');
    claims.disclaimed('a');
    claim('b', '2', 500);
    claim('b', '2', 600);
    expect(claims.conflict()).toBeNull();
  });

  test('are not seen in two tenures of one replica', () => {
    claim('a', '1', 0);
    claims.vanished('a');
    claim('a', '2', 10);
    claim('a', '2', 20);
    expect(claims.conflict()).toBeNull();
  });

  test('are not seen when a former leader vanishes that stepped down before another led', () => {
    claim('a', '1', 0);
    claims.disclaimed('a');
    claim('b', '2', 500);
    claim('b', '2', 600);
    claims.vanished('a');
    expect(claims.conflict()).toBeNull();
  });

  test("are not seen when a former leader's next process vanishes as a standby", () => {
    claim('a', '1', 0);
    claims.disclaimed('a');
    claim('b', '2', 500);
    claims.disclaimed('a');
    claim('b', '2', 1_000);
    claims.vanished('a');
    expect(claims.conflict()).toBeNull();
  });

  test('are found when a replica that stepped down leads again, is killed, and another leads within its promise', () => {
    claim('a', '1', 0);
    claims.disclaimed('a');
    claim('a', '2', 500);
    claims.vanished('a');
    claim('b', '3', 1_000);
    claim('b', '3', 1_100);
    expect(claims.conflict()).toBe('a (token 2) and b (token 3)');
  });

  test('are found when one claims on after it said that it stopped', () => {
    claim('a', '1', 0);
    claims.disclaimed('a');
    claim('b', '2', 100);
    claim('a', '1', 200);
    claim('a', '1', 300);
    claim('b', '2', 400);
    expect(claims.conflict()).toBe('b (token 2) and a (token 1)');
  });
});

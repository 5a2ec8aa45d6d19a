import { describe, expect, test } from 'vitest';
import { formatIdentity, isPredecessor, parseIdentity, podOfIdentity } from './identity.ts';

describe('an identity', () => {
  test('gives back the parts it was made of', () => {
    expect(parseIdentity(formatIdentity('web-0', '1b4e', 'f00d'))).toEqual({ podName: 'web-0', podUid: '1b4e' });
  });

  test.each(['', 'host', 'host_uuid', 'a_b_c_d', '_b_c', 'a__c', 'a_b_'])(
    'of another format is not parsed: %j',
    (text) => {
      expect(parseIdentity(text)).toBeNull();
    },
  );

  test("names its pod, and that of client-go's electors", () => {
    expect(podOfIdentity('web-0_1b4e_f00d')).toBe('web-0');
    expect(podOfIdentity('web-1_9c2f')).toBe('web-1');
    expect(podOfIdentity('somebody')).toBe('somebody');
    expect(podOfIdentity('')).toBe('');
  });
});

describe('a predecessor', () => {
  test('is another start of the same pod uid', () => {
    expect(isPredecessor('a_uid-a_1', 'a_uid-a_2')).toBe(true);
  });

  test('is neither this start itself, nor a pod of the same name and another uid', () => {
    expect(isPredecessor('a_uid-a_1', 'a_uid-a_1')).toBe(false);
    expect(isPredecessor('a_uid-0_1', 'a_uid-a_1')).toBe(false);
  });

  test('is never told of identities in other formats', () => {
    expect(isPredecessor('a_uid-a', 'a_uid-a_1')).toBe(false);
    expect(isPredecessor('a_uid-a_1', 'a_uid-a')).toBe(false);
  });
});

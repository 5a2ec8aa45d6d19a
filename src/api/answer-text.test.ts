import { expect, test } from 'vitest';
import type { LeaderAnswer } from '../leadership/leadership.ts';
import { AnswerText } from './answer-text.ts';

const ANSWER: LeaderAnswer = {
  isLeader: true,
  identity: 'web-0_6f1c_a1',
  leader: { identity: 'web-0_6f1c_a1', pod: 'web-0', address: '10.0.0.1' },
  validForMs: 9_876,
  fencingToken: '41',
  term: { transitions: 3, acquireTime: '2026-01-02T03:04:05.000000Z' },
  lease: { namespace: 'shop', name: 'web', uid: '0b0e' },
};

/** Each differs from the one before in one thing. */
const CHANGES: readonly LeaderAnswer[] = [
  ANSWER,
  { ...ANSWER, validForMs: 1 },
  { ...ANSWER, validForMs: 1, fencingToken: '42' },
  { ...ANSWER, term: { transitions: 4, acquireTime: '2026-01-02T03:04:05.000000Z' } },
  { ...ANSWER, term: { transitions: 4, acquireTime: null } },
  { ...ANSWER, term: null },
  { ...ANSWER, lease: { namespace: 'shop', name: 'web', uid: null } },
  { ...ANSWER, leader: { identity: 'web-0_6f1c_a1', pod: 'web-0', address: null } },
  { ...ANSWER, leader: { identity: 'web-1_77aa_b2', pod: 'web-1', address: null } },
  { ...ANSWER, leader: null },
  { ...ANSWER, leader: null, isLeader: false },
  { ...ANSWER, identity: 'web-0_6f1c_zz' },
  { ...ANSWER, leader: { identity: '"validForMs":0, "validForMs":0', pod: 'ü\\', address: '"' } },
];

test('whatever changes from one answer to the next, the text is that of the present one', () => {
  const text = new AnswerText();
  for (const answer of CHANGES) {
    for (const validForMs of [answer.validForMs, 0, 15_000]) {
      const present = { ...answer, validForMs };
      expect(text.of(present)).toBe(JSON.stringify(present));
    }
  }
});

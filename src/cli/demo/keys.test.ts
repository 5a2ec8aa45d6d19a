import { expect, test } from 'vitest';
import { readKeys } from './keys.ts';

test('digits select a replica that exists', () => {
  expect(readKeys('13', 3)).toEqual([
    { kind: 'select', index: 0 },
    { kind: 'select', index: 2 },
  ]);
  expect(readKeys('4', 3)).toEqual([{ kind: 'explain' }]);
});

test('letters act, in upper case too, several at once in order', () => {
  expect(readKeys('2kFpctsr', 3)).toEqual([
    { kind: 'select', index: 1 },
    { kind: 'kill' },
    { kind: 'freeze' },
    { kind: 'freeze' },
    { kind: 'cut' },
    { kind: 'terminate' },
    { kind: 'step-down' },
    { kind: 'revive' },
  ]);
});

test('q, Ctrl-C and Ctrl-D quit', () => {
  for (const key of ['q', '\x03', '\x04']) expect(readKeys(key, 3)).toEqual([{ kind: 'quit' }]);
});

test('arrows, function keys and Alt with a letter do nothing', () => {
  expect(readKeys('\x1b[A\x1b[1;5C\x1bOP\x1b[24~\x1bk\x1b', 3)).toEqual([]);
});

test('a question mark, an unknown letter, a blank and Enter ask what the keys are', () => {
  for (const key of ['?', 'x', ' ', '\r']) expect(readKeys(key, 3)).toEqual([{ kind: 'explain' }]);
});

import { expect, test } from 'vitest';
import { paint, span, wrap } from './line.ts';

/** What a terminal shows of a text with colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
const visible = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, '');

const LINE = [span('one ', 'good'), span('two '), span('three', 'bad')];

test('a line is as wide with colours as without', () => {
  for (const columns of [0, 1, 5, 12, 13, 80]) {
    expect(visible(paint(LINE, columns, true))).toBe(paint(LINE, columns, false));
  }
});

test('a line that fits is not cut; one that does not ends in an ellipsis within the width', () => {
  expect(paint(LINE, 13, false)).toBe('one two three');
  expect(paint(LINE, 12, false)).toBe('one two thr…');
  expect(paint(LINE, 1, false)).toBe('…');
  expect(paint(LINE, 0, false)).toBe('');
});

test('colours end with the text that they are for', () => {
  expect(paint([span('up', 'good'), span(' and away')], 80, true)).toBe('\x1b[32;1mup\x1b[0m and away');
});

test('text is wrapped between words', () => {
  expect(wrap('aa bb cc', 5)).toEqual(['aa bb', 'cc']);
  expect(wrap('aa bbbbbbbb cc', 5)).toEqual(['aa', 'bbbbbbbb', 'cc']);
});

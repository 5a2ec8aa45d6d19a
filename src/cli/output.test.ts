import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from './output.ts';

const LINE = `${'x'.repeat(1_023)}\n`;

/** A stream into which nothing flows before it is read. */
const unread = () => new PassThrough({ highWaterMark: 0 });

test('what nobody reads waits up to 1 MiB; more is dropped, and the writer is told', () => {
  const stream = unread();
  const output = new Output(stream);
  let taken = 0;
  while (output.write(LINE)) taken += 1;
  expect(taken).toBe(1_024);
  expect(output.write(LINE)).toBe(false);
  expect(stream.writableLength).toBe(1_024 * LINE.length);
});

test('all that was written is flushed to a reader that comes late, in order', async () => {
  const stream = unread();
  const output = new Output(stream);
  output.write('first ');
  output.write('last');
  const flushed = output.flushed(60_000);
  let read = '';
  stream.on('data', (chunk) => {
    read += String(chunk);
  });
  await flushed;
  expect(read).toBe('first last');
});

test('a reader that never comes is waited for only so long', async () => {
  const output = new Output(unread());
  output.write(LINE);
  await output.flushed(1);
});

test('what is written after the reader has gone is lost without any error', async () => {
  const stream = unread();
  const output = new Output(stream);
  stream.destroy(new Error('EPIPE'));
  output.write(LINE);
  await output.flushed(60_000);
});

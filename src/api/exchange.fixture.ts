import { once } from 'node:events';
import { connect } from 'node:net';
import { LIMITS } from './limits.ts';

/** One answer, as far as bytes tell. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends the pieces one by one, each in a packet of its own where the system lets it, then ends this half of the connection,
 * or resets it. Resolves to all that came back, a character for each byte, when it is closed; a reset counts as an end.
 */
export async function exchange(port: number, pieces: readonly string[], how: 'end' | 'reset' = 'end'): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
  let read = '';
  socket.on('data', (text) => {
    read += text;
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (piece !== '' && socket.writable) socket.write(Buffer.from(piece, 'latin1'));
    await new Promise(setImmediate);
  }
  if (how === 'end') socket.end();
  else socket.resetAndDestroy();
  await closed;
  return read;
}

/** The answers in what came back. Throws where something there is no HTTP. */
export function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest !== '') {
    const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[!-9;-~]+:[^\r\n]*\r\n)*)\r\n/.exec(rest);
    if (match === null) throw new Error(`no answer: ${JSON.stringify(rest.slice(0, 200))}`);
    const [head, status, lines = ''] = match;
    const headers = Object.fromEntries(
      lines
        .split('\r\n')
        .slice(0, -1)
        .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    rest = rest.slice(head.length);
    // An answer to HEAD tells the length of a body and has none.
    const length = rest === '' || rest.startsWith('HTTP/1.1 ') ? 0 : Number(headers['content-length'] ?? rest.length);
    answers.push({ status: Number(status), headers, body: rest.slice(0, length) });
    rest = rest.slice(length);
  }
  return answers;
}

/** Longer than any head that is read. */
export const TOO_LONG = 'x'.repeat(LIMITS.headerBytesMax + 1);

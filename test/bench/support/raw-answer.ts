import { once } from 'node:events';
import { connect } from 'node:net';

/** One HTTP/1.1 answer as it went over the wire. */
export interface RawAnswer {
  /** Status line and headers, with the empty line that ends them. */
  readonly head: string;
  readonly body: string;
}

/** Asks as wrk does, over a connection that stays open, and returns the bytes of the answer. */
export async function rawAnswer(port: number, path: string): Promise<RawAnswer> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
    if (end >= 0 && text.length >= end + 4 + length) break;
  }
  socket.destroy();
  const bodyAt = text.indexOf('\r\n\r\n') + 4;
  return { head: text.slice(0, bodyAt), body: text.slice(bodyAt) };
}

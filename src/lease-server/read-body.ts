import type { IncomingMessage } from 'node:http';

/** kube-apiserver's limit. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** The whole body, or null when it is too large. Its rest is read and dropped, so that the answer can be read. */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= BODY_BYTES_MAX) chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return size <= BODY_BYTES_MAX ? Buffer.concat(chunks).toString() : null;
}

import { request } from 'node:http';
import { type Address, formatAddress } from '../config/address.ts';
import { quote } from '../config/problem.ts';
import type { CommandContext } from './context.ts';

/** What a sidecar's local API answered. */
export interface ApiAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each command reads the fields that docs/http-api.md promises
  readonly body: any;
}

/** There was no such answer. */
export interface NoAnswer {
  readonly status: null;
  readonly code: 'API_UNREACHABLE' | 'API_UNEXPECTED' | 'INTERRUPTED';
  readonly message: string;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  /** How long the answer may take. */
  readonly timeoutMs: number;
}

/** A hand-over takes as long as the longest drain and renew deadline; everything else is answered at once. */
export const HAND_OVER_MS_MAX = 3 * 3_600_000;
export const QUICK_MS_MAX = 5_000;

const ANSWER_BYTES_MAX = 64 * 1024;

/** Asks once. A signal to this process ends the question, not what it asked for. */
export function askLocalApi(api: Address, question: Question, context: CommandContext): Promise<ApiAnswer | NoAnswer> {
  const { method, path, body, timeoutMs } = question;
  const url = `http://${formatAddress(api)}`;
  const { promise, resolve } = Promise.withResolvers<ApiAnswer | NoAnswer>();
  const noAnswer = (code: NoAnswer['code'], message: string) =>
    resolve({ status: null, code, message: `${url}${path}: ${message}` });
  const interrupted = new AbortController();
  context.onSignal(() => {
    noAnswer('INTERRUPTED', 'not waited for any more; what was asked for goes on');
    interrupted.abort();
  });
  const payload = body === undefined ? '' : JSON.stringify(body);
  const outgoing = request(
    `${url}${path}`,
    {
      method,
      agent: false,
      headers: {
        ...(payload !== '' && { 'Content-Type': 'application/json' }),
        ...(method === 'POST' && { 'Content-Length': payload.length }),
      },
      signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(timeoutMs)]),
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length <= ANSWER_BYTES_MAX) return;
        noAnswer('API_UNEXPECTED', 'the answer is too long for one of Leasegate');
        response.destroy();
      });
      response.on('error', (error) => noAnswer('API_UNEXPECTED', error.message));
      response.on('end', () => {
        const parsed = parse(text);
        if (parsed !== null) resolve({ status: response.statusCode ?? 0, body: parsed });
        else noAnswer('API_UNEXPECTED', `${quote(text)} is no answer of Leasegate; is this its address (--api)?`);
      });
    },
  );
  outgoing.on('error', (error: NodeJS.ErrnoException) =>
    noAnswer('API_UNREACHABLE', `${explain(error)}; is this the address of the sidecar's local API (--api)?`),
  );
  outgoing.end(payload);
  return promise;
}

function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  return code === 'ABORT_ERR' ? 'no answer in time' : message;
}

import http from 'node:http';
import type { LeadershipEvent } from '../../api/event-sources.ts';
import type { LeaderAnswer } from '../../leadership/leadership.ts';

const ANSWER_CHARS_MAX = 64 * 1024;
const RECONNECT_MS = 250;

/** The local API of one replica, as an application beside it would use it. */
export class ReplicaApi {
  readonly url: string;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  readonly #closed = new AbortController();

  constructor(url: string) {
    this.url = url;
  }

  /** `GET /leader`. Rejects when there is no answer in time. */
  async leader(timeoutMs: number): Promise<LeaderAnswer> {
    return JSON.parse(await this.#request('GET', '/leader', null, timeoutMs)) as LeaderAnswer;
  }

  /** `POST /step-down`, as an application that has no work to end. Resolves to the body, which may be a refusal. */
  stepDown(timeoutMs: number): Promise<string> {
    return this.#request('POST', '/step-down', '{"immediate":true}', timeoutMs);
  }

  /** Reads `/leader/events` until {@link close}, connecting anew whenever the stream ends. */
  follow(onEvent: (event: LeadershipEvent) => void): void {
    const { signal } = this.#closed;
    const again = () => {
      if (!signal.aborted) setTimeout(() => !signal.aborted && this.follow(onEvent), RECONNECT_MS).unref();
    };
    const request = http.get(`${this.url}/leader/events`, { agent: this.#agent, signal }, (response) => {
      response.setEncoding('utf8');
      let rest = '';
      response.on('data', (text: string) => {
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop() ?? '';
        if (rest.length > ANSWER_CHARS_MAX) response.destroy();
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (data !== undefined && !signal.aborted) onEvent(JSON.parse(data) as LeadershipEvent);
        }
      });
      response.on('error', () => {});
      response.on('close', again);
    });
    request.on('error', again);
  }

  /** Ends the stream and all requests. */
  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  #request(method: string, path: string, body: string | null, timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeoutMs)]);
      const headers = body === null ? {} : { 'Content-Type': 'application/json' };
      const request = http.request(
        `${this.url}${path}`,
        { method, headers, agent: this.#agent, signal },
        (response) => {
          response.setEncoding('utf8');
          let text = '';
          response.on('data', (chunk: string) => {
            text += chunk;
            if (text.length > ANSWER_CHARS_MAX) response.destroy(new Error('the answer is too long'));
          });
          response.on('end', () => resolve(text));
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }
}

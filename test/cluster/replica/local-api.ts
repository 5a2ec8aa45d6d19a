import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';

/** What a replica answered. */
export interface LocalAnswer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: assertions read whatever was answered
  readonly json: any;
}

const TIMEOUT_MS = 60_000;

/** Client of one replica's two listeners. */
export class LocalApi {
  readonly #listen: { readonly local: string; readonly probe: string };
  readonly #agent = new Agent({ keepAlive: true });

  constructor(listen: { readonly local: string; readonly probe: string }) {
    this.#listen = listen;
  }

  /** Asks the local listener. */
  get(path: string): Promise<LocalAnswer> {
    return this.#request('GET', `http://${this.#listen.local}${path}`);
  }

  post(path: string, body?: object): Promise<LocalAnswer> {
    return this.#request('POST', `http://${this.#listen.local}${path}`, body);
  }

  /** Asks the probe listener. */
  probe(path: string): Promise<LocalAnswer> {
    return this.#request('GET', `http://${this.#listen.probe}${path}`);
  }

  /** The sum of a metric's series whose labels contain `labels`; 0 if there is none. */
  async metric(name: string, labels = ''): Promise<number> {
    const { text } = await this.probe('/metrics');
    return text
      .split('\n')
      .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** Hands over the data of each server-sent event, until either side ends. */
  follow(path: string, onData: (data: string) => void): void {
    const outgoing = request(`http://${this.#listen.local}${path}`, { agent: this.#agent }, (response) => {
      const lines = createInterface({ input: response });
      lines.on('line', (line) => {
        if (line.startsWith('data: ')) onData(line.slice(6));
      });
      // It hands on the errors of its input: a killed replica cuts its streams.
      lines.on('error', () => {});
    });
    outgoing.on('error', () => {});
    outgoing.end();
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(method: string, url: string, body?: object): Promise<LocalAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<LocalAnswer>();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { 'Content-Type': 'application/json' };
    const options = { method, headers, agent: this.#agent, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const outgoing = request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json');
        resolve({ status: response.statusCode ?? 0, text, json: isJson ? JSON.parse(text) : undefined });
      });
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that idled for too long, while the process was stopped say, is closed as the request arrives.
      if (method === 'GET' && outgoing.reusedSocket && error.code === 'ECONNRESET') resolve(this.#request(method, url));
      else reject(error);
    });
    outgoing.end(payload);
    return promise;
  }
}

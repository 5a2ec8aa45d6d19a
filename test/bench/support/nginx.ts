import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../cluster/support/free-ports.ts';
import { Program } from './program.ts';
import { type RawAnswer, rawAnswer } from './raw-answer.ts';
import { ask, until } from './replica.ts';

export interface Nginx {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

interface NginxOptions {
  /** For its configuration and temporary files. */
  readonly directory: string;
  /** Put before the command. */
  readonly prefix: readonly string[];
}

/** One nginx process that answers every request with the same body and a head of the same size. */
export async function startNginx(model: RawAnswer, options: NginxOptions): Promise<Nginx> {
  // Without padding first, to learn how much of it makes the heads alike.
  const bare = await start(model, '', options);
  const { head } = await rawAnswer(bare.port, '/leader');
  const missing = model.head.length - head.length - 'X-Pad: \r\n'.length;
  if (missing <= 0) return bare;
  await bare.stop();
  return start(model, `add_header X-Pad ${'x'.repeat(missing)};`, options);
}

async function start(model: RawAnswer, padding: string, { directory, prefix }: NginxOptions): Promise<Nginx> {
  const folder = await mkdtemp(join(directory, 'nginx-'));
  const [port = 0] = await freePorts(1);
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(model.body, port, padding));
  const command = [...prefix, 'nginx', '-p', folder, '-c', file, '-e', join(folder, 'error.log')];
  const program = new Program(command, { env: process.env, logFile: join(folder, 'nginx.log') });
  await until('nginx listens', async () => (await ask(port, '/leader'))?.status === 200, 10);
  return { port, pid: program.pid, stop: () => program.stop() };
}

function configuration(body: string, port: number, padding: string): string {
  return `
daemon off;
master_process off;
pid nginx.pid;
events { worker_connections 512; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_timeout 15s 15s;
  keepalive_requests 1000000000;
  default_type "application/json; charset=utf-8";
  server {
    listen 127.0.0.1:${port};
    add_header Cache-Control no-store;
    ${padding}
    location / { return 200 '${body.replaceAll("'", "\\'")}'; }
  }
}
`;
}

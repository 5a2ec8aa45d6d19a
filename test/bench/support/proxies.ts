import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../cluster/support/free-ports.ts';
import { ensureTools } from '../../cluster/tools/build.ts';
import { Program } from './program.ts';
import { ask, until } from './replica.ts';

/** One way from a client to the application. */
export interface Way {
  readonly name: string;
  readonly port: number;
  /** Null where there is no proxy. */
  readonly program: Program | null;
}

/** Bodies that the application serves, by path, in bytes. */
export const BODIES = { '/2b': 2, '/1k': 1_024, '/1m': 1_048_576 } as const;

/** What the image sets for its process. */
const IMAGE_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '131072',
  NODE_ENV: 'production',
  NODE_OPTIONS: '--max-semi-space-size=8',
};

/** The application (an nginx), and all the ways to it. */
export class Proxies {
  readonly directory: string;
  readonly #proxyPrefix: readonly string[];
  readonly #otherPrefix: readonly string[];
  readonly #programs: Program[] = [];
  #applicationPort = 0;

  /** @param application - what is proxied: an nginx that serves {@link BODIES}, or a server that repeats what tunnels carry */
  static async start(
    prefixes: { proxy: readonly string[]; other: readonly string[] },
    application: 'bodies' | 'tunnels' = 'bodies',
  ): Promise<Proxies> {
    const proxies = new Proxies(await mkdtemp(join(tmpdir(), 'leasegate-bench-')), prefixes);
    if (application === 'bodies') await proxies.#serveBodies();
    else await proxies.#serveTunnels();
    return proxies;
  }

  private constructor(directory: string, { proxy, other }: { proxy: readonly string[]; other: readonly string[] }) {
    this.directory = directory;
    this.#proxyPrefix = proxy;
    this.#otherPrefix = other;
  }

  direct(): Way {
    return { name: 'direct', port: this.#applicationPort, program: null };
  }

  async nginx({ upgrades = false } = {}): Promise<Way> {
    const [port = 0] = await freePorts(1);
    const server = `
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://application;
      proxy_http_version 1.1;
      proxy_set_header Connection "${upgrades ? 'Upgrade' : ''}";
      ${upgrades ? 'proxy_set_header Upgrade $http_upgrade;' : ''}
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
    }`;
    const upstream = `upstream application { server 127.0.0.1:${this.#applicationPort}; keepalive 128; keepalive_requests 1000000000; }`;
    return this.#serve('nginx', port, await this.#nginxCommand('proxy', server, upstream), this.#proxyPrefix);
  }

  async haproxy(mode: 'http' | 'tcp'): Promise<Way> {
    const [port = 0] = await freePorts(1);
    const file = join(this.directory, `haproxy-${mode}.cfg`);
    await writeFile(
      file,
      `global
  nbthread 1
  maxconn 4096
defaults
  mode ${mode}
  ${mode === 'http' ? 'http-reuse always' : ''}
  timeout connect 2s
  timeout client 1m
  timeout server 1m
frontend clients
  bind 127.0.0.1:${port}
  ${mode === 'http' ? 'option forwardfor' : ''}
  default_backend application
backend application
  server one 127.0.0.1:${this.#applicationPort}
`,
    );
    return this.#serve(`haproxy ${mode}`, port, ['haproxy', '-db', '-f', file], this.#proxyPrefix);
  }

  async reverseProxy(): Promise<Way> {
    const [port = 0] = await freePorts(1);
    const { 'reverse-proxy': program } = await ensureTools(['reverse-proxy']);
    const command = [program, `--listen=127.0.0.1:${port}`, `--target=http://127.0.0.1:${this.#applicationPort}`];
    return this.#serve("Go's ReverseProxy", port, command, this.#proxyPrefix, { GOMAXPROCS: '1' });
  }

  /** A replica that leads an election of its own on an embedded API server. */
  async leasegate(protocol: 'http' | 'tcp', bundle: string): Promise<Way> {
    const [api = 0, local = 0, probe = 0, port = 0] = await freePorts(4);
    const kubeconfig = join(this.directory, `${protocol}.kubeconfig`);
    const server = ['lease-server', '--listen', `127.0.0.1:${api}`, '--kubeconfig-out', kubeconfig, '--lease', 'bench'];
    this.#spawn([process.execPath, bundle, ...server], `lease-server-${protocol}`, this.#otherPrefix);
    await until('the API server listens', async () => (await ask(api, '/version')) !== null, 20);
    const run = [
      ...['run', '--kubeconfig', kubeconfig, '--namespace', 'default', '--lease-name', 'bench'],
      ...['--api-listen', `127.0.0.1:${local}`, '--probe-listen', `127.0.0.1:${probe}`],
      ...['--gateway-listen', `127.0.0.1:${port}`, '--gateway-target', `127.0.0.1:${this.#applicationPort}`],
      ...['--gateway-protocol', protocol],
    ];
    const command = [process.execPath, bundle, ...run];
    const way = await this.#serve(`Leasegate ${protocol}`, port, command, this.#proxyPrefix, IMAGE_ENVIRONMENT);
    await until('it leads', async () => (await ask(local, '/is-leader'))?.status === 200, 50);
    return way;
  }

  async httpProxyMiddleware(): Promise<Way> {
    const [port = 0] = await freePorts(1);
    const script = join(import.meta.dirname, 'http-proxy-middleware.ts');
    const command = [process.execPath, script, String(port), `http://127.0.0.1:${this.#applicationPort}`];
    return this.#serve('http-proxy-middleware', port, command, this.#proxyPrefix, IMAGE_ENVIRONMENT);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
  }

  async #serveTunnels(): Promise<void> {
    const [port = 0] = await freePorts(1);
    this.#applicationPort = port;
    const command = [process.execPath, join(import.meta.dirname, 'tunnel-server.ts'), String(port)];
    await this.#serve('the application', port, command, this.#otherPrefix);
  }

  async #serveBodies(): Promise<void> {
    const root = join(this.directory);
    for (const [path, bytes] of Object.entries(BODIES)) await writeFile(join(root, path), Buffer.alloc(bytes, 'x'));
    const [port = 0] = await freePorts(1);
    this.#applicationPort = port;
    const server = `
    listen 127.0.0.1:${port};
    root ${root};
    client_max_body_size 1m;
    location = /post { return 200 'ok'; }`;
    await this.#serve('the application', port, await this.#nginxCommand('application', server, ''), this.#otherPrefix);
  }

  async #nginxCommand(name: string, server: string, upstream: string): Promise<string[]> {
    const folder = await mkdtemp(join(this.directory, `${name}-`));
    const file = join(folder, 'nginx.conf');
    await writeFile(
      file,
      `daemon off;
master_process off;
pid nginx.pid;
worker_rlimit_nofile 20000;
events { worker_connections 20000; }
http {
  access_log off;
  sendfile on;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  ${upstream}
  server {${server}
  }
}
`,
    );
    return ['nginx', '-p', folder, '-c', file, '-e', join(folder, 'error.log')];
  }

  async #serve(
    name: string,
    port: number,
    command: readonly string[],
    prefix: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<Way> {
    const program = this.#spawn(command, name.replaceAll(/\W+/g, '-'), prefix, env);
    await until(`${name} listens`, async () => (await ask(port, '/2b').catch(() => null)) !== null, 20);
    return { name, port, program };
  }

  #spawn(command: readonly string[], name: string, prefix: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    const program = new Program([...prefix, ...command], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
      logFile: join(this.directory, `${name}.log`),
    });
    this.#programs.push(program);
    return program;
  }
}

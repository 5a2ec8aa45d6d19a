import { type Address, formatAddress, targetAddress } from './address.ts';
import { accepted, refused, type ValueType } from './value-type.ts';

/** Where an application tells whether it is well. */
export interface HealthUrl extends Address {
  readonly protocol: Protocol;
  /** `http`, `https`: path and query. `grpc`: the service, empty for the server as a whole. `tcp`: empty. */
  readonly path: string;
}

const PROTOCOLS = ['http', 'https', 'tcp', 'grpc'] as const;
type Protocol = (typeof PROTOCOLS)[number];

const USUAL_PORTS: Partial<Record<Protocol, string>> = { http: '80', https: '443' };
const EXAMPLES: Record<Protocol, string> = {
  http: 'http://127.0.0.1:3000/healthz',
  https: 'https://127.0.0.1:3000/healthz',
  tcp: 'tcp://127.0.0.1:3000',
  grpc: 'grpc://127.0.0.1:3000/my.Service',
};

/** URLs of some protocols; by default of all. */
export function healthUrl(protocols: readonly Protocol[] = PROTOCOLS): ValueType<HealthUrl> {
  const remedy = `write ${protocols.map((protocol) => EXAMPLES[protocol]).join(', ')}`;
  return {
    placeholder: 'URL',
    accepts: protocols.map((protocol) => `\`${protocol}://…\``).join(', '),
    format: formatHealthUrl,
    parse(text) {
      const match = /^([a-z]+):\/\/([^/?#]*)([^#]*)(#.*)?$/i.exec(text);
      if (match === null) return refused('is not a URL', remedy);
      const [, scheme = '', authority = '', rest = '', fragment] = match;
      const protocol = protocols.find((known) => known === scheme.toLowerCase());
      if (protocol === undefined) return refused('has a protocol that is not checked', remedy);
      if (authority.includes('@')) return refused('holds a user, which is not sent', remedy);
      if (fragment !== undefined)
        return refused('has a fragment, which is never sent', 'leave out "#" and what follows');
      const port = USUAL_PORTS[protocol];
      const hasPort = /:\d+$/.test(authority);
      const address = targetAddress.parse(hasPort || port === undefined ? authority : `${authority}:${port}`);
      if (!address.ok) return refused(address.message, remedy);
      const path = pathOf(protocol, rest);
      return path === null ? refused(PATH_MESSAGES[protocol], remedy) : accepted({ protocol, ...address.value, path });
    },
  };
}

/** The text that the parser reads back. */
function formatHealthUrl({ protocol, path, ...address }: HealthUrl): string {
  return `${protocol}://${formatAddress(address)}${protocol === 'grpc' && path !== '' ? '/' : ''}${path}`;
}

const PATH_MESSAGES: Record<Protocol, string> = {
  http: 'has a path that HTTP does not take',
  https: 'has a path that HTTP does not take',
  tcp: 'has a path, but a connection has none',
  grpc: 'has more than the name of a service behind its port',
};

/** What is asked for, or null where the protocol does not take it. */
function pathOf(protocol: Protocol, rest: string): string | null {
  switch (protocol) {
    case 'http':
    case 'https': {
      const url = URL.parse(rest, 'http://host/');
      return url === null || url.host !== 'host' ? null : url.pathname + url.search;
    }
    case 'tcp':
      return rest === '' || rest === '/' ? '' : null;
    case 'grpc':
      return /^\/?[\w.-]{0,253}$/.test(rest) ? rest.slice(1) : null;
  }
}

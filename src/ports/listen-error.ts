/** The address that could not be listened on, and the option that chose it. */
export interface ListenAttempt {
  readonly option: string;
  readonly host: string;
  readonly port: number;
}

/** An address could not be listened on. The message names option, address and remedy. */
export class ListenError extends Error {
  readonly code = 'LISTEN_FAILED';
  readonly option: string;
  readonly address: string;

  constructor({ option, host, port }: ListenAttempt, cause: Error & { readonly code?: string | undefined }) {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    super(`${option}: cannot listen on ${address}: ${explain(cause.code, option) ?? cause.message}`, { cause });
    this.name = 'ListenError';
    this.option = option;
    this.address = address;
  }
}

function explain(code: string | undefined, option: string): string | null {
  switch (code) {
    case 'EADDRINUSE':
      return `the port is in use. Free it (in a pod: another container has it), or choose another with ${option}.`;
    case 'EACCES':
      return `not permitted. Ports below 1024 need a privilege; choose a higher one with ${option}.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `this machine has no such address. Choose one that it has with ${option}.`;
    default:
      return null;
  }
}

/** Where another replica's peer listener is. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads a holder's address, `10.1.2.3:4042` or `[fd00::5]:4042`; null for one without a port: it has no peer listener. */
export function parsePeerAddress(address: string | null): PeerAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(address ?? '');
  if (match === null) return null;
  const port = Number(match[3]);
  return port >= 1 && port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : null;
}

/** The text that {@link parsePeerAddress} reads back. */
export function formatPeerAddress({ host, port }: PeerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

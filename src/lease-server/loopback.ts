import { isIPv4 } from 'node:net';

/**
 * Reads `host:port`.
 *
 * @throws an Error with code `LEASE_SERVER_ADDRESS` for anything but a loopback address and a port
 */
export function loopbackAddress(listen: string): { host: string; port: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(listen);
  const host = parts?.[1] ?? parts?.[2] ?? '';
  const port = Number(parts?.[3]);
  const loopback = host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
  if (loopback && port <= 65_535) return { host, port };
  const message = `The Lease server listens on loopback only: give 127.0.0.1:PORT or [::1]:PORT, not ${JSON.stringify(listen)}`;
  throw Object.assign(new Error(message), { code: 'LEASE_SERVER_ADDRESS' });
}

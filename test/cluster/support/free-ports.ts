import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/**
 * Loopback TCP ports that were free a moment ago. Another process may take one before it is used: be ready to start
 * over with new ones.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

import { connect } from 'node:net';
import { failureOf, HEALTHY, type HealthCheck, type HealthTarget } from './check.ts';

/** Well is whoever accepts a connection. */
export function tcpCheck({ host, port }: Pick<HealthTarget, 'host' | 'port'>): HealthCheck {
  return (signal) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, signal });
      socket.once('connect', () => {
        resolve(HEALTHY);
        socket.destroy();
      });
      socket.on('error', (error) => resolve(failureOf(error)));
    });
}

import { describe, expect, test } from 'vitest';
import { isServiceLink } from './service-links.ts';

/** As a container sees them, for a Service with this prefix and the ports `probe` (4041/TCP) and `dns` (53/UDP). */
const linksOf = (service: string): [string, string][] => [
  [`${service}_SERVICE_HOST`, '10.96.12.7'],
  [`${service}_SERVICE_PORT`, '4041'],
  [`${service}_SERVICE_PORT_PROBE`, '4041'],
  [`${service}_PORT`, 'tcp://10.96.12.7:4041'],
  [`${service}_PORT_4041_TCP`, 'tcp://10.96.12.7:4041'],
  [`${service}_PORT_4041_TCP_PROTO`, 'tcp'],
  [`${service}_PORT_4041_TCP_PORT`, '4041'],
  [`${service}_PORT_4041_TCP_ADDR`, '10.96.12.7'],
  [`${service}_PORT_53_UDP`, 'udp://[fd00::7]:53'],
  [`${service}_PORT_53_UDP_ADDR`, 'fd00::7'],
];

describe('variables that Kubernetes sets for Services', () => {
  test.each([...linksOf('LEASEGATE'), ...linksOf('LEASEGATE_METRICS')])('%s=%s is one', (name, value) => {
    expect(isServiceLink(name, value)).toBe(true);
  });

  test.each([
    ['LEASEGATE_PORT', '4040'],
    ['LEASEGATE_SERVICE_HOST', 'my-service'],
    ['LEASEGATE_SERVICE', '10.96.12.7'],
    ['LEASEGATE_PORTS', 'tcp://10.96.12.7:4041'],
    ['LEASEGATE_LISTEN', '10.96.12.7:4040'],
  ])('%s=%s was written by somebody', (name, value) => {
    expect(isServiceLink(name, value)).toBe(false);
  });
});

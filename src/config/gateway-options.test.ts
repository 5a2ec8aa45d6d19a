import { describe, expect, test } from 'vitest';
import { loadFrom, problemsIn } from './load.fixture.ts';

const IN_POD = { LEASEGATE_LEASE_NAME: 'my-app', LEASEGATE_NAMESPACE: 'web', POD_IP: '10.0.0.7' };
const GATEWAY = { LEASEGATE_GATEWAY_LISTEN: '0.0.0.0:8080', LEASEGATE_GATEWAY_TARGET: '127.0.0.1:3000' };

const gatewayOf = (env: Record<string, string>) => {
  const result = loadFrom({ ...IN_POD, ...env });
  return result.ok ? result.config.gateway : result.problems;
};
const said = (env: Record<string, string>) => problemsIn(loadFrom({ ...IN_POD, ...env }));

test('without its address there is no gateway', () => {
  expect(gatewayOf({})).toBeNull();
});

test('with address and target the rest has safe defaults', () => {
  expect(gatewayOf(GATEWAY)).toEqual({
    protocol: 'http',
    listen: { host: '0.0.0.0', port: 8080 },
    peerListen: null,
    target: { host: '127.0.0.1', port: 3000 },
    standby: 'refuse',
    drainMs: 10_000,
    forwardWaitMs: 15_000,
    connectionsMax: 16_384,
    accessLog: false,
    http: {
      responseTimeoutMs: 60_000,
      forwarded: 'replace',
      limits: { headerBytesMax: 16_384, headersTimeoutMs: 10_000, requestTimeoutMs: 300_000, keepAliveMs: 60_000 },
    },
    tcp: { proxyProtocol: false },
  });
});

test('a peer listener is there with `forward` only', () => {
  expect(gatewayOf({ ...GATEWAY, LEASEGATE_GATEWAY_STANDBY: 'forward' })).toMatchObject({
    peerListen: { host: '', port: 4042 },
  });
});

test('options of either protocol are taken with it', () => {
  const tcp = { LEASEGATE_GATEWAY_PROTOCOL: 'tcp', LEASEGATE_GATEWAY_PROXY_PROTOCOL: 'true' };
  expect(gatewayOf({ ...GATEWAY, ...tcp })).toMatchObject({ protocol: 'tcp', tcp: { proxyProtocol: true } });
  const http = { LEASEGATE_GATEWAY_FORWARDED: 'append', LEASEGATE_GATEWAY_HEADER_BYTES_MAX: '32KiB' };
  expect(gatewayOf({ ...GATEWAY, ...http })).toMatchObject({
    http: { forwarded: 'append', limits: { headerBytesMax: 32_768 } },
  });
});

describe('refused is', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'a gateway without a target',
      { LEASEGATE_GATEWAY_LISTEN: ':8080' },
      'LEASEGATE_GATEWAY_LISTEN (--gateway-listen): LEASEGATE_GATEWAY_LISTEN :8080 has no target; set LEASEGATE_GATEWAY_TARGET to the application of this pod, such as 127.0.0.1:3000',
    ],
    [
      'a target without a gateway',
      { LEASEGATE_GATEWAY_TARGET: '127.0.0.1:3000' },
      'LEASEGATE_GATEWAY_TARGET (--gateway-target): LEASEGATE_GATEWAY_TARGET 127.0.0.1:3000 says nothing without a gateway; set LEASEGATE_GATEWAY_LISTEN, such as 0.0.0.0:8080, or leave it out',
    ],
    [
      'an option without a gateway',
      { LEASEGATE_GATEWAY_DRAIN: '5s' },
      'LEASEGATE_GATEWAY_DRAIN (--gateway-drain): LEASEGATE_GATEWAY_DRAIN 5s says nothing without a gateway; set LEASEGATE_GATEWAY_LISTEN, such as 0.0.0.0:8080, or leave it out',
    ],
    [
      'a peer listener where nothing is forwarded',
      { ...GATEWAY, LEASEGATE_GATEWAY_PEER_LISTEN: ':9000' },
      'LEASEGATE_GATEWAY_PEER_LISTEN (--gateway-peer-listen): LEASEGATE_GATEWAY_PEER_LISTEN :9000 is not used with LEASEGATE_GATEWAY_STANDBY refuse (its default); leave it out, or set LEASEGATE_GATEWAY_STANDBY=forward',
    ],
    [
      'an option of the other protocol',
      { ...GATEWAY, LEASEGATE_GATEWAY_PROTOCOL: 'tcp', LEASEGATE_GATEWAY_FORWARDED: 'append' },
      'LEASEGATE_GATEWAY_FORWARDED (--gateway-forwarded): LEASEGATE_GATEWAY_FORWARDED append is not used with LEASEGATE_GATEWAY_PROTOCOL tcp; leave it out, or set LEASEGATE_GATEWAY_PROTOCOL=http',
    ],
    [
      'the PROXY protocol over HTTP',
      { ...GATEWAY, LEASEGATE_GATEWAY_PROXY_PROTOCOL: 'true' },
      'LEASEGATE_GATEWAY_PROXY_PROTOCOL (--gateway-proxy-protocol): LEASEGATE_GATEWAY_PROXY_PROTOCOL true is not used with LEASEGATE_GATEWAY_PROTOCOL http (its default); leave it out, or set LEASEGATE_GATEWAY_PROTOCOL=tcp',
    ],
    [
      'forwarding without an address of its own',
      { ...GATEWAY, LEASEGATE_GATEWAY_STANDBY: 'forward', POD_IP: '' },
      'LEASEGATE_GATEWAY_STANDBY (--gateway-standby): LEASEGATE_GATEWAY_STANDBY forward does not know the address of this pod; set POD_IP from the downward API (fieldPath: status.podIP)',
    ],
    [
      'more time for the head than for the request',
      { ...GATEWAY, LEASEGATE_GATEWAY_REQUEST_TIMEOUT: '5s' },
      'LEASEGATE_GATEWAY_REQUEST_TIMEOUT (--gateway-request-timeout): LEASEGATE_GATEWAY_HEADERS_TIMEOUT 10s (its default) is longer than LEASEGATE_GATEWAY_REQUEST_TIMEOUT 5s; make it as long at most',
    ],
    [
      'a target that is the gateway',
      { ...GATEWAY, LEASEGATE_GATEWAY_TARGET: '127.0.0.1:8080' },
      'LEASEGATE_GATEWAY_LISTEN (--gateway-listen): LEASEGATE_GATEWAY_TARGET 127.0.0.1:8080 is LEASEGATE_GATEWAY_LISTEN 0.0.0.0:8080 itself; let the application listen on another port',
    ],
    [
      'a target that is the peer listener',
      { ...GATEWAY, LEASEGATE_GATEWAY_STANDBY: 'forward', LEASEGATE_GATEWAY_TARGET: '127.0.0.1:4042' },
      'LEASEGATE_GATEWAY_LISTEN (--gateway-listen): LEASEGATE_GATEWAY_TARGET 127.0.0.1:4042 is LEASEGATE_GATEWAY_PEER_LISTEN :4042 (its default) itself; let the application listen on another port',
    ],
    [
      'a target that is the gateway by the address of the pod',
      { ...GATEWAY, LEASEGATE_GATEWAY_TARGET: '10.0.0.1:8080', POD_IP: '10.0.0.1' },
      'LEASEGATE_GATEWAY_LISTEN (--gateway-listen): LEASEGATE_GATEWAY_TARGET 10.0.0.1:8080 is LEASEGATE_GATEWAY_LISTEN 0.0.0.0:8080 itself; let the application listen on another port',
    ],
    [
      'a peer listener that no other pod reaches',
      { ...GATEWAY, LEASEGATE_GATEWAY_STANDBY: 'forward', LEASEGATE_GATEWAY_PEER_LISTEN: '127.0.0.1:4042' },
      "LEASEGATE_GATEWAY_PEER_LISTEN (--gateway-peer-listen): LEASEGATE_GATEWAY_PEER_LISTEN 127.0.0.1:4042 is a loopback address, where no other pod comes; write :4042, or the pod's IP",
    ],
    [
      'the port of the probes',
      { ...GATEWAY, LEASEGATE_GATEWAY_LISTEN: ':4041' },
      'LEASEGATE_GATEWAY_LISTEN (--gateway-listen): LEASEGATE_GATEWAY_LISTEN :4041 and LEASEGATE_PROBE_LISTEN 0.0.0.0:4041 (its default) want the same port; give each listener a port of its own',
    ],
    [
      'the port of the peers',
      { ...GATEWAY, LEASEGATE_GATEWAY_LISTEN: ':4042', LEASEGATE_GATEWAY_STANDBY: 'forward' },
      'LEASEGATE_GATEWAY_LISTEN (--gateway-listen): LEASEGATE_GATEWAY_LISTEN :4042 and LEASEGATE_GATEWAY_PEER_LISTEN :4042 (its default) want the same port; give each listener a port of its own',
    ],
    [
      'peers at the port of the probes',
      { ...GATEWAY, LEASEGATE_GATEWAY_PEER_LISTEN: ':4041', LEASEGATE_GATEWAY_STANDBY: 'forward' },
      'LEASEGATE_GATEWAY_PEER_LISTEN (--gateway-peer-listen): LEASEGATE_GATEWAY_PEER_LISTEN :4041 and LEASEGATE_PROBE_LISTEN 0.0.0.0:4041 (its default) want the same port; give each listener a port of its own',
    ],
  ])('%s', (_, env, sentence) => {
    expect(said(env)).toEqual([sentence]);
  });

  test.each([
    [':3000', 'names nobody to connect to; in the same pod write 127.0.0.1:3000'],
    ['0.0.0.0:3000', 'names nobody to connect to; in the same pod write 127.0.0.1:3000'],
    ['127.0.0.1:0', 'has no port to connect to; use a port from 1 to 65535'],
    ['http://127.0.0.1:3000', 'is a URL; write host:port, such as 127.0.0.1:3000 or [::1]:3000'],
  ])('the target %j', (target, sentence) => {
    expect(said({ ...GATEWAY, LEASEGATE_GATEWAY_TARGET: target })).toEqual([
      `LEASEGATE_GATEWAY_TARGET (--gateway-target): ${sentence}`,
    ]);
  });
});

test('a port that only `forward` would use is free otherwise', () => {
  expect(said({ ...GATEWAY, LEASEGATE_GATEWAY_LISTEN: ':4042' })).toEqual([]);
});

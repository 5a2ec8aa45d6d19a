import { afterAll, beforeAll, describe } from 'vitest';
import { type LeaseServer, startLeaseServer } from '../../src/lease-server/index.ts';
import { leaseApiContract } from './lease-api-contract.ts';

const nobody = { token: 'nobody-token', user: 'nobody' };
let server: LeaseServer;

beforeAll(async () => {
  const tokens = new Map([
    ['admin-token', 'admin'],
    [nobody.token, nobody.user],
  ]);
  server = await startLeaseServer({ listen: '127.0.0.1:0', tokens });
  server.faults.inject({ kind: 'forbid' }, { token: nobody.token });
});

afterAll(() => server.close());

describe('the embedded Lease server', () => {
  leaseApiContract(() => ({
    url: server.url,
    adminToken: 'admin-token',
    nobody,
    forgetHistory: async () => server.store.compact(),
  }));
});

import { expect } from 'vitest';
import type { Reply } from './client.ts';

/** What identifies a Lease in a Status: as an object of the API, and as content. */
export const leaseDetails = (name: string) => ({ name, group: 'coordination.k8s.io', kind: 'leases' });
export const leaseContent = (name: string) => ({ name, group: 'coordination.k8s.io', kind: 'Lease' });

export interface ExpectedStatus {
  readonly code: number;
  /** Absent where the server gives none. */
  readonly reason?: string;
  readonly message?: string | RegExp;
  readonly details?: unknown;
}

/** The reply is a Status of kind Failure with exactly these properties; `details` are compared where given. */
export function expectStatus(reply: Reply, expected: ExpectedStatus): void {
  const { message, details, code, reason } = expected;
  expect(reply.body).toMatchObject({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code });
  expect(reply.status).toBe(code);
  expect(reply.body.reason).toBe(reason);
  if (typeof message === 'string') expect(reply.body.message).toBe(message);
  if (message instanceof RegExp) expect(reply.body.message).toMatch(message);
  if (details !== undefined) expect(reply.body.details).toEqual(details);
}

/** A 422 on a Lease's content with exactly one cause. */
export function expectInvalidLease(
  reply: Reply,
  name: string,
  cause: { field: string; message: string; reason?: string },
) {
  const { field, message, reason = 'FieldValueInvalid' } = cause;
  expectStatus(reply, {
    code: 422,
    reason: 'Invalid',
    message: `Lease.coordination.k8s.io "${name}" is invalid: ${field}: ${message}`,
    details: {
      ...(name !== '' && { name }),
      group: 'coordination.k8s.io',
      kind: 'Lease',
      causes: [{ reason, message, field }],
    },
  });
}

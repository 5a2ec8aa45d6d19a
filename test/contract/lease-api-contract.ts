import { describe } from 'vitest';
import { accessClaims } from './claims/access.ts';
import { creationClaims } from './claims/creation.ts';
import { deletionClaims } from './claims/deletion.ts';
import { documentClaims } from './claims/documents.ts';
import { eventClaims } from './claims/events.ts';
import { listClaims } from './claims/lists.ts';
import { patchClaims } from './claims/patches.ts';
import { podClaims } from './claims/pods.ts';
import { timeClaims } from './claims/times.ts';
import { updateClaims } from './claims/updates.ts';
import { watchClaims } from './claims/watches.ts';
import { type Client, freshClient } from './client.ts';
import type { ContractTarget } from './target.ts';

/** Gives each test a client in a namespace of its own. */
export type NewClient = () => Promise<Client>;

/**
 * What Leasegate relies on in a Kubernetes API server. The same claims run against the embedded server and against a real
 * kube-apiserver: where they differ, the embedded one is wrong.
 */
export function leaseApiContract(target: () => ContractTarget): void {
  const newClient: NewClient = () => freshClient(target());
  describe('creating Leases', () => creationClaims(newClient));
  describe('times in Leases', () => timeClaims(newClient));
  describe('replacing Leases', () => updateClaims(newClient));
  describe('patching Leases', () => patchClaims(newClient));
  describe('deleting Leases', () => deletionClaims(newClient));
  describe('reading Leases', () => listClaims(newClient));
  describe('watching Leases', () => watchClaims(newClient, target));
  describe('pods', () => podClaims(newClient));
  describe('events', () => eventClaims(newClient));
  describe('access', () => accessClaims(newClient, target));
  describe('documents', () => documentClaims(newClient));
}

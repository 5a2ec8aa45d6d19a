import { describe, expect, test } from 'vitest';
import type { LeaseContent } from '../election/index.ts';
import { LEASE_NAME_OF } from '../naming/workload-lease.ts';
import { decodeLease, encodeChallenge, encodeLease, encodeNewLease } from './codec.ts';
import {
  CHALLENGER,
  CHALLENGER_PRIORITY,
  HOLDER_ADDRESS,
  HOLDER_ADDRESS_OF,
  HOLDER_PRIORITY,
  HOLDER_PRIORITY_OF,
  NEXT_HOLDER,
  NEXT_HOLDER_AT,
} from './lease-annotations.ts';

const ME = 'a_uid-a_1';
const content: LeaseContent = {
  holder: ME,
  leaseDurationSeconds: 15,
  renewTime: '2026-01-02T00:00:00.000001Z',
  acquireTime: '2026-01-02T00:00:00.000000Z',
  transitions: 4,
  holderAddress: null,
  holderPriority: null,
  nextHolder: '',
};

/** A Lease as an API server sends it, with more than this program knows of. */
const stored = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {
    name: 'cart',
    namespace: 'shop',
    uid: 'lease-1',
    resourceVersion: '100',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { app: 'cart' },
    annotations: { 'example.com/note': 'keep me' } as Record<string, string>,
    ownerReferences: [{ kind: 'Deployment', name: 'cart' }],
    managedFields: [{ manager: 'kubectl' }],
    fromTheFuture: { a: [1] },
  },
  spec: {
    holderIdentity: 'b_uid-b_1',
    leaseDurationSeconds: 20,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:00:10.000000Z',
    leaseTransitions: 3,
    strategy: 'OldestEmulationVersion',
    preferredHolder: 'c',
    fromTheFuture: true,
  },
  status: { fromTheFuture: true },
};
const record = decodeLease(stored)!;
const withAnnotations = (annotations: Record<string, string>) =>
  decodeLease({ ...stored, metadata: { ...stored.metadata, annotations } })!;

describe('reading a Lease', () => {
  test('takes what the election speaks of', () => {
    expect(record).toMatchObject({
      uid: 'lease-1',
      resourceVersion: '100',
      holder: 'b_uid-b_1',
      leaseDurationMs: 20_000,
      renewTime: '2026-01-01T00:00:10.000000Z',
      acquireTime: '2026-01-01T00:00:00.000000Z',
      transitions: 3,
      preferredHolder: 'c',
      holderAddress: null,
    });
  });

  test.each([{ spec: {} }, {}, { spec: null }])('finds a Lease free whose every field is missing: %j', (fields) => {
    expect(decodeLease({ metadata: { uid: 'u', resourceVersion: '1', annotations: null }, ...fields })).toMatchObject({
      holder: '',
      leaseDurationMs: 0,
      renewTime: null,
      acquireTime: null,
      transitions: 0,
      preferredHolder: '',
      holderAddress: null,
    });
  });

  test.each([
    undefined,
    null,
    'a login page',
    7,
    {},
    { metadata: null },
    { metadata: { uid: 'u' } },
    { metadata: { resourceVersion: '1' } },
  ])('refuses what is no stored Lease: %j', (body) => {
    expect(decodeLease(body)).toBeNull();
  });

  test("takes the holder's address only with its owner's name beside it", () => {
    const address = { [HOLDER_ADDRESS]: '10.0.0.9:4042' };
    expect(withAnnotations({ ...address, [HOLDER_ADDRESS_OF]: 'b_uid-b_1' }).holderAddress).toBe('10.0.0.9:4042');
    expect(withAnnotations({ ...address, [HOLDER_ADDRESS_OF]: 'a former holder' }).holderAddress).toBeNull();
    expect(withAnnotations(address).holderAddress).toBeNull();
    expect(withAnnotations({ [HOLDER_ADDRESS_OF]: 'b_uid-b_1' }).holderAddress).toBeNull();
  });

  test('takes no address of a free Lease', () => {
    const annotations = { [HOLDER_ADDRESS]: '10.0.0.9:4042', [HOLDER_ADDRESS_OF]: '' };
    const free = { ...stored, metadata: { ...stored.metadata, annotations }, spec: { holderIdentity: '' } };
    expect(decodeLease(free)?.holderAddress).toBeNull();
  });
});

describe('reading who is to lead', () => {
  const free = (annotations: Record<string, string>) =>
    decodeLease({
      ...stored,
      metadata: { ...stored.metadata, annotations },
      spec: { ...stored.spec, holderIdentity: '' },
    })!;

  test("takes the holder's priority only with its owner's name beside it", () => {
    const priority = { [HOLDER_PRIORITY]: '7' };
    expect(withAnnotations({ ...priority, [HOLDER_PRIORITY_OF]: 'b_uid-b_1' }).holderPriority).toBe(7);
    expect(withAnnotations({ ...priority, [HOLDER_PRIORITY_OF]: 'a former holder' }).holderPriority).toBeNull();
    expect(withAnnotations(priority).holderPriority).toBeNull();
    expect(free({ ...priority, [HOLDER_PRIORITY_OF]: '' }).holderPriority).toBeNull();
  });

  test.each(['-1', '0', '9', '10'])('takes %s for a priority', (priority) => {
    const annotations = { [HOLDER_PRIORITY]: priority, [HOLDER_PRIORITY_OF]: 'b_uid-b_1' };
    expect(withAnnotations(annotations).holderPriority).toBe(Number(priority));
  });

  test.each(['', '-2', '11', '1.5', '007', '1e1', ' 7', 'high', 'NaN'])('takes %j for none', (priority) => {
    const annotations = { [HOLDER_PRIORITY]: priority, [HOLDER_PRIORITY_OF]: 'b_uid-b_1' };
    expect(withAnnotations(annotations).holderPriority).toBeNull();
    expect(withAnnotations({ [CHALLENGER]: 'c', [CHALLENGER_PRIORITY]: priority }).challenger).toBeNull();
  });

  test('takes the next holder only from the release that named it', () => {
    const named = { [NEXT_HOLDER]: ME, [NEXT_HOLDER_AT]: stored.spec.renewTime };
    expect(free(named).nextHolder).toBe(ME);
    expect(free({ ...named, [NEXT_HOLDER_AT]: 'an earlier release' }).nextHolder).toBe('');
    expect(free({ [NEXT_HOLDER]: ME }).nextHolder).toBe('');
    expect(free({ [NEXT_HOLDER_AT]: stored.spec.renewTime }).nextHolder).toBe('');
    expect(withAnnotations(named).nextHolder).toBe('');
  });

  test('takes a challenger of a held Lease, with its priority', () => {
    const challenge = { [CHALLENGER]: 'c_uid-c_1', [CHALLENGER_PRIORITY]: '9' };
    expect(withAnnotations(challenge).challenger).toEqual({ identity: 'c_uid-c_1', priority: 9 });
    expect(withAnnotations({ [CHALLENGER]: 'c_uid-c_1' }).challenger).toBeNull();
    expect(withAnnotations({ ...challenge, [CHALLENGER]: '' }).challenger).toBeNull();
    expect(free(challenge).challenger).toBeNull();
  });
});

describe('writing a Lease', () => {
  const CHALLENGED = { [CHALLENGER]: 'c_uid-c_1', [CHALLENGER_PRIORITY]: '9' };

  test('removes what was said of the next holder, its challenger and the former priority', () => {
    const annotations = {
      ...CHALLENGED,
      ...{ [HOLDER_PRIORITY]: '3', [HOLDER_PRIORITY_OF]: 'b_uid-b_1' },
      ...{ [NEXT_HOLDER]: ME, [NEXT_HOLDER_AT]: 'then', 'example.com/note': 'keep me' },
    };
    const { metadata } = encodeLease(withAnnotations(annotations), content);
    expect(metadata.annotations).toEqual({ 'example.com/note': 'keep me' });
  });

  test("writes a priority with its owner's name, and the next holder with the time of its release", () => {
    expect(encodeLease(record, { ...content, holderPriority: 0 }).metadata.annotations).toEqual({
      'example.com/note': 'keep me',
      [HOLDER_PRIORITY]: '0',
      [HOLDER_PRIORITY_OF]: ME,
    });
    const released = { ...content, holder: '', nextHolder: 'c_uid-c_1' };
    expect(decodeLease(encodeLease(record, released))?.nextHolder).toBe('c_uid-c_1');
  });

  test('asks the holder to give way without a change of anything else', () => {
    const { managedFields: _, ...metadata } = stored.metadata;
    expect(encodeChallenge(record, { identity: 'c_uid-c_1', priority: 9 })).toEqual({
      ...stored,
      metadata: { ...metadata, annotations: { 'example.com/note': 'keep me', ...CHALLENGED } },
    });
    const bare = decodeLease({ metadata: { uid: 'u', resourceVersion: '1' } })!;
    expect(encodeChallenge(bare, { identity: 'c_uid-c_1', priority: 9 }).metadata.annotations).toEqual(CHALLENGED);
  });

  test('keeps what it does not know, and leaves managedFields to the server', () => {
    const { managedFields: _, ...metadata } = stored.metadata;
    const { preferredHolder: __, ...spec } = stored.spec;
    expect(encodeLease(record, content)).toEqual({
      ...stored,
      metadata,
      spec: {
        ...spec,
        holderIdentity: ME,
        leaseDurationSeconds: 15,
        acquireTime: '2026-01-02T00:00:00.000000Z',
        renewTime: '2026-01-02T00:00:00.000001Z',
        leaseTransitions: 4,
      },
    });
  });

  test('always sends uid and resourceVersion, which make it a compare-and-swap', () => {
    expect(encodeLease(record, content).metadata).toMatchObject({ uid: 'lease-1', resourceVersion: '100' });
  });

  test('changes nothing of what was read', () => {
    const before = structuredClone(record);
    encodeLease(record, { ...content, holderAddress: '10.0.0.7:4042' });
    expect(record).toEqual(before);
  });

  test('sends a new Lease without a version', () => {
    expect(encodeNewLease('shop', 'cart', { ...content, holderAddress: '10.0.0.7:4042' })).toEqual({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        namespace: 'shop',
        name: 'cart',
        annotations: { [HOLDER_ADDRESS]: '10.0.0.7:4042', [HOLDER_ADDRESS_OF]: ME },
      },
      spec: {
        holderIdentity: ME,
        leaseDurationSeconds: 15,
        acquireTime: content.acquireTime,
        renewTime: content.renewTime,
        leaseTransitions: 4,
      },
    });
  });

  test("writes the address with its owner's name, beside others' annotations", () => {
    expect(encodeLease(record, { ...content, holderAddress: '10.0.0.7:4042' }).metadata.annotations).toEqual({
      'example.com/note': 'keep me',
      [HOLDER_ADDRESS]: '10.0.0.7:4042',
      [HOLDER_ADDRESS_OF]: ME,
    });
  });

  test('removes the address of a holder that has none', () => {
    const before = withAnnotations({ [HOLDER_ADDRESS]: 'x', [HOLDER_ADDRESS_OF]: 'b_uid-b_1', other: 'y' });
    expect(encodeLease(before, content).metadata.annotations).toEqual({ other: 'y' });
  });

  test('ends a wish for another holder with a release or a new term, not with a renewal', () => {
    const mine = decodeLease({ ...stored, spec: { ...stored.spec, holderIdentity: ME } })!;
    expect(encodeLease(record, content).spec).not.toHaveProperty('preferredHolder');
    expect(encodeLease(mine, content).spec).toMatchObject({ preferredHolder: 'c' });
    expect(encodeLease(mine, { ...content, holder: '' }).spec).not.toHaveProperty('preferredHolder');
    expect(encodeLease(decodeLease({ ...stored, spec: undefined })!, content).spec).toMatchObject({
      holderIdentity: ME,
    });
  });
});

describe('what the hash in its name stands for', () => {
  const WEB = 'Deployment.apps/web';

  test('stands on a Lease that is created, claimed, renewed or released', () => {
    expect(encodeNewLease('shop', 'w-1', content, WEB).metadata.annotations).toEqual({ [LEASE_NAME_OF]: WEB });
    const base = decodeLease(stored)!;
    for (const holder of [ME, base.holder, '']) {
      const { annotations } = encodeLease(base, { ...content, holder }, WEB).metadata;
      expect(annotations).toMatchObject({ [LEASE_NAME_OF]: WEB, 'example.com/note': 'keep me' });
    }
  });

  test('is kept by who was told the name', () => {
    const said = { ...stored, metadata: { ...stored.metadata, annotations: { [LEASE_NAME_OF]: WEB } } };
    expect(encodeLease(decodeLease(said)!, content).metadata.annotations).toMatchObject({ [LEASE_NAME_OF]: WEB });
  });
});

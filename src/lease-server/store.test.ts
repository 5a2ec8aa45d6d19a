import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiObject } from './object.ts';
import { coreEvent, lease, namespace } from './resources/index.ts';
import { ok } from './status.ts';
import { LeaseStore, type StoreOptions } from './store.ts';
import { Watch, type WatchQuery } from './watch.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');
const options = { nowMs: START_MS };

/** A store with the namespace `n`, and a repeatable source of numbers. */
function newStore(limits: Partial<StoreOptions> = {}): LeaseStore {
  let count = 0;
  const store = new LeaseStore({ random: () => (count++ * 0.618034) % 1, ...limits });
  store.create(namespace, '', { metadata: { name: 'n' } }, options);
  return store;
}

const target = (name: string) => ({ type: lease, namespace: 'n', name });
const replaceWith = (object: ApiObject) => ({ revise: () => ok(object), subresource: '', replaces: true });
const watchOf = (since: number | null): WatchQuery => ({
  type: lease,
  namespace: 'n',
  selects: () => true,
  since,
  bookmarks: false,
  timeoutSeconds: 0,
});

const name = fc.constantFrom('a', 'b', 'c');
const holder = fc.constantFrom('x', 'y', '');
const operation = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), name, holder }),
  fc.record({ kind: fc.constant('put' as const), name, holder, version: fc.constantFrom('right', 'stale', 'none') }),
  fc.record({ kind: fc.constant('delete' as const), name, uid: fc.constantFrom('right', 'other', 'none') }),
);

interface Kept {
  readonly uid: string;
  readonly version: string;
  readonly holder: string;
}

describe('a model with a version for each name', () => {
  it('agrees with the store on every outcome, and a watch from the start ends in the same state', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const store = newStore();
        const began = store.resourceVersion;
        const model = new Map<string, Kept>();
        for (const step of operations) {
          const kept = model.get(step.name);
          const before = store.resourceVersion;
          const spec = 'holder' in step ? { holderIdentity: step.holder } : {};
          if (step.kind === 'create') {
            const created = store.create(lease, 'n', { metadata: { name: step.name }, spec }, options);
            expect(created.ok || created.error.reason).toBe(kept === undefined ? true : 'AlreadyExists');
            if (created.ok) model.set(step.name, keep(created.value));
          } else if (step.kind === 'put') {
            const resourceVersion = { right: kept?.version ?? '', stale: '1', none: '' }[step.version] ?? '';
            const revision = replaceWith({ metadata: { name: step.name, resourceVersion }, spec });
            const put = store.update(target(step.name), revision, options);
            const expected = kept === undefined || resourceVersion === kept.version;
            expect(put.ok || put.error.code).toBe(expected ? true : resourceVersion === '' ? 422 : 409);
            if (put.ok) {
              expect(put.value.object.metadata.resourceVersion === kept?.version).toBe(step.holder === kept?.holder);
              model.set(step.name, keep(put.value.object));
            }
          } else {
            const uid = { right: kept?.uid, other: 'other', none: undefined }[step.uid];
            const deleted = store.delete(target(step.name), uid === undefined ? {} : { uid }, options);
            expect(deleted.ok || deleted.error.code).toBe(kept === undefined ? 404 : step.uid === 'other' ? 409 : true);
            if (deleted.ok) model.delete(step.name);
          }
          expect(store.resourceVersion - before).toBeLessThanOrEqual(1);
        }
        const listed = store.list(lease, 'n').map((object) => [object.metadata.name, keep(object)]);
        expect(new Map(listed as [string, Kept][])).toEqual(model);
        expect(replay(store, began)).toEqual(model);
        expect(replay(store, null)).toEqual(model);
      }),
    );
  });
});

function keep({ metadata, spec }: ApiObject): Kept {
  const { holderIdentity: holder = '' } = spec as { holderIdentity?: string };
  return { uid: metadata.uid ?? '', version: metadata.resourceVersion ?? '', holder };
}

function replay(store: LeaseStore, since: number | null): Map<string, Kept> {
  const state = new Map<string, Kept>();
  for (const { type, object } of new Watch(store, watchOf(since)).poll()) {
    const seen = object as unknown as ApiObject;
    if (type === 'DELETED') state.delete(seen.metadata.name ?? '');
    else state.set(seen.metadata.name ?? '', keep(seen));
  }
  return state;
}

describe('bounds', () => {
  let renewals = 0;
  const renew = (store: LeaseStore, times: number): void => {
    for (let count = 0; count < times; count += 1, renewals += 1) {
      const current = store.get(target('a'));
      const metadata = current.ok ? current.value.metadata : { name: 'a' };
      store.update(target('a'), replaceWith({ metadata, spec: { leaseTransitions: renewals } }), options);
    }
  };

  it('keeps the last writes only: a watch that falls behind gets 410 once and ends', () => {
    const store = newStore({ historyLimit: 10 });
    renew(store, 1);
    const since = store.resourceVersion;
    const behind = new Watch(store, watchOf(since));
    renew(store, 9);
    expect(new Watch(store, watchOf(since)).poll()).toHaveLength(9);
    renew(store, 20);
    const message = expect.stringMatching(new RegExp(`^too old resource version: ${since} \\(\\d+\\)$`));
    expect(behind.poll()).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired', message } }]);
    expect([behind.ended, behind.poll()]).toEqual([true, []]);
    expect(new Watch(store, watchOf(store.resourceVersion - 10)).poll()).toHaveLength(10);
  });

  it('refuses more objects than its limit, as a full etcd does', () => {
    const store = newStore({ objectLimit: 2 });
    expect(store.create(lease, 'n', { metadata: { name: 'a' } }, options).ok).toBe(true);
    const refused = store.create(lease, 'n', { metadata: { name: 'b' } }, options);
    expect(refused).toMatchObject({ ok: false, error: { code: 500 } });
    store.delete(target('a'), {}, options);
    expect(store.create(lease, 'n', { metadata: { name: 'b' } }, options).ok).toBe(true);
  });

  it('forgets events an hour after their creation', () => {
    const store = newStore();
    const report = (eventName: string, nowMs: number): void => {
      const involvedObject = { namespace: 'n' };
      store.create(coreEvent, 'n', { metadata: { name: eventName }, involvedObject }, { nowMs });
    };
    report('first', START_MS);
    report('second', START_MS + 1000);
    const names = () => store.list(coreEvent, 'n').map(({ metadata }) => metadata.name);
    report('third', START_MS + 3_599_000);
    expect(names()).toEqual(['first', 'second', 'third']);
    report('fourth', START_MS + 3_600_000);
    expect(names()).toEqual(['fourth', 'second', 'third']);
  });

  it('is repeatable: the same calls with the same numbers give the same objects', () => {
    const run = () => {
      const store = newStore();
      renewals = 0;
      renew(store, 3);
      return store.list(lease, 'n');
    };
    expect(run()).toEqual(run());
  });
});

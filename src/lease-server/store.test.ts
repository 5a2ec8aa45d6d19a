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

describe('an object with finalizers', () => {
  const held = { name: 'a', labels: { app: 'x' }, finalizers: ['f/f'] };
  const deleting = (): LeaseStore => {
    const store = newStore();
    store.create(lease, 'n', { metadata: held }, options);
    store.delete(target('a'), {}, options);
    return store;
  };

  it('goes in its last stored state: a watch of its labels hears of it, whatever the last update said', () => {
    const store = deleting();
    const selects = ({ metadata }: ApiObject) => metadata.labels?.app === 'x';
    const watch = new Watch(store, { ...watchOf(store.resourceVersion), selects });
    const last = { metadata: { name: 'a', labels: { app: 'y' }, resourceVersion: String(store.resourceVersion) } };
    const updated = store.update(target('a'), replaceWith(last), options);
    expect(updated).toMatchObject({ ok: true, value: { object: { metadata: { labels: { app: 'y' } } } } });
    expect(watch.poll()).toMatchObject([{ type: 'DELETED', object: { metadata: held } }]);
    expect(store.list(lease, 'n')).toEqual([]);
  });

  it('gets no more of them once it is being deleted', () => {
    const store = deleting();
    const resourceVersion = String(store.resourceVersion);
    const more = { metadata: { name: 'a', finalizers: ['f/f', 'g/g'], resourceVersion } };
    const message = expect.stringContaining('found new finalizers []string{"g/g"}');
    expect(store.update(target('a'), replaceWith(more), options)).toMatchObject({
      ok: false,
      error: { code: 422, message },
    });
  });
});

describe('a version that a client sends', () => {
  const sent = (resourceVersion: string) => ({
    metadata: { name: 'a', resourceVersion },
    spec: { holderIdentity: 'h' },
  });

  it('is a number: leading zeros mean nothing, and what does not fit 64 bits is refused', () => {
    const store = newStore();
    store.create(lease, 'n', { metadata: { name: 'a' } }, options);
    const put = (version: string) => store.update(target('a'), replaceWith(sent(version)), options);
    expect(put('18446744073709551616')).toMatchObject({ ok: false, error: { code: 500 } });
    expect(put('18446744073709551615')).toMatchObject({ ok: false, error: { code: 409 } });
    expect(put(`00${store.resourceVersion}`)).toMatchObject({ ok: true });
  });

  it('may be zero at a creation', () => {
    const store = newStore();
    expect(store.create(lease, 'n', sent('1'), options)).toMatchObject({ ok: false, error: { code: 500 } });
    expect(store.create(lease, 'n', sent('0'), options)).toMatchObject({ ok: true });
  });
});

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

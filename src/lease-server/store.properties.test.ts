import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ApiObject } from './object.ts';
import { lease, namespace } from './resources/index.ts';
import { badRequest, fail, ok, type Result } from './status.ts';
import { LeaseStore, type StoreSnapshot } from './store.ts';
import { Watch } from './watch.ts';

const NOW_MS = Date.UTC(2026, 0);
const HISTORY_LIMIT = 6;

/** A Lease as the model keeps it. */
interface Kept {
  readonly name: string;
  readonly uid: string;
  readonly version: number;
  readonly holder: string;
  readonly label: string;
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

/** One write: what was stored before it and what after. */
interface Written {
  readonly version: number;
  readonly before: Kept | null;
  readonly after: Kept | null;
}

interface Watching {
  readonly watch: Watch;
  readonly label: string | null;
  /** Null before the first poll of a watch that begins with the present state. */
  cursor: number | null;
}

/** A list of all writes ever, and what they add up to. */
class Model {
  version: number;
  leases = new Map<string, Kept>();
  writes: Written[] = [];
  compactedTo = 0;
  /** Writes ever made, those that a restore took back included. */
  count = 0;

  constructor(version: number) {
    this.version = version;
  }

  write(name: string, after: Kept | null): void {
    this.version += 1;
    this.count += 1;
    const before = this.leases.get(name) ?? null;
    const stored = after && { ...after, version: this.version };
    this.writes.push({ version: this.version, before, after: stored });
    if (stored === null) this.leases.delete(name);
    else this.leases.set(name, stored);
  }

  get listed(): Kept[] {
    return [...this.leases.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

class Real {
  readonly store: LeaseStore;
  readonly watches: Watching[] = [];
  readonly snapshots: { readonly real: StoreSnapshot; readonly version: number; readonly leases: Model['leases'] }[] =
    [];
  told = 0;

  constructor() {
    let count = 0;
    this.store = new LeaseStore({ random: () => (count++ * 0.618034) % 1, historyLimit: HISTORY_LIMIT });
    this.store.create(namespace, '', { metadata: { name: 'n' } }, { nowMs: NOW_MS });
    this.store.subscribe(() => {
      this.told += 1;
    });
  }
}

const target = (name: string, inNamespace = 'n') => ({ type: lease, namespace: inNamespace, name });

function keptOf({ metadata, spec }: ApiObject): Kept {
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    version: Number(metadata.resourceVersion),
    holder: (spec as { holderIdentity?: string }).holderIdentity ?? '',
    label: metadata.labels?.l ?? '',
    finalizers: metadata.finalizers ?? [],
    deleting: typeof metadata.deletionTimestamp === 'string',
  };
}

/** Which version a client sends. */
const VERSIONS = {
  none: () => '',
  zero: () => '0',
  right: (kept?: Kept) => (kept === undefined ? '' : String(kept.version)),
  padded: (kept?: Kept) => (kept === undefined ? '' : `00${kept.version}`),
  stale: (kept?: Kept) => String((kept?.version ?? 2) - 1),
  future: (kept?: Kept) => String((kept?.version ?? 2) + 1),
  huge: () => '18446744073709551616',
  text: () => 'x1',
};
const UIDS = { none: () => undefined, right: (kept?: Kept) => kept?.uid, other: () => 'other' };

const content = fc.record({
  holder: fc.constantFrom('x', 'y', ''),
  label: fc.constantFrom('a', 'b'),
  finalizers: fc.constantFrom([], [], ['f/f'], ['f/f', 'g/g']),
});
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;
const name = fc.constantFrom('a', 'b', 'a-b', 'a.b');
const dryRun = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true));
const version = fc.oneof(
  { weight: 5, arbitrary: fc.constant('right' as const) },
  fc.constantFrom(...(Object.keys(VERSIONS) as (keyof typeof VERSIONS)[])),
);
const uid = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  fc.constantFrom('right' as const, 'other' as const),
);

const objectOf = (
  name: string,
  { holder, label, finalizers }: Content,
  metadata: Partial<ApiObject['metadata']>,
): ApiObject => ({
  metadata: { name, labels: { l: label }, ...(finalizers.length > 0 && { finalizers }), ...metadata },
  spec: { ...(holder !== '' && { holderIdentity: holder }) },
});

/** A command as data: what it does to the model is what the store must do. */
class Command implements fc.Command<Model, Real> {
  readonly #text: string;
  readonly #play: (model: Model, real: Real) => void;

  constructor(text: string, play: (model: Model, real: Real) => void) {
    this.#text = text;
    this.#play = play;
  }

  check(): boolean {
    return true;
  }

  toString(): string {
    return this.#text;
  }

  run(model: Model, real: Real): void {
    const before = { count: model.count, told: real.told };
    this.#play(model, real);
    expect(real.store.resourceVersion, 'one number for each write').toBe(model.version);
    expect(real.told - before.told, 'listeners are told of each write once').toBe(model.count - before.count);
    expect(real.store.list(lease, 'n').map(keptOf)).toEqual(model.listed);
    const { compactedTo } = real.store;
    expect(compactedTo).toBeLessThanOrEqual(Math.max(model.compactedTo, model.version - HISTORY_LIMIT));
    expect(compactedTo).toBeGreaterThanOrEqual(Math.max(model.compactedTo, model.version - 2 * HISTORY_LIMIT));
  }
}

function expectCode(result: Result<unknown>, code: number, reason?: string): void {
  expect(result.ok ? 200 : result.error.code).toBe(code);
  if (!result.ok && reason !== undefined) expect(result.error.reason).toBe(reason);
}

/** A POST, or a PUT to an absent name. */
function playCreation(model: Model, asked: Content, name: string, isDry: boolean, created: ApiObject): void {
  const kept = keptOf(created);
  expect(created.metadata.uid).not.toBe(undefined);
  expect({ ...kept, uid: '', version: 0 }).toEqual({ ...asked, name, uid: '', version: 0, deleting: false });
  if (isDry) return;
  const uids = model.writes.flatMap(({ before, after }) => [before?.uid, after?.uid]);
  expect(uids, 'a uid of its own').not.toContain(kept.uid);
  model.write(name, kept);
}

/** What a PUT or PATCH with the right version does. */
function playChange(
  model: Model,
  kept: Kept,
  asked: Content,
  isDry: boolean,
  result: Result<{ object: ApiObject }>,
): void {
  const added = asked.finalizers.some((finalizer) => !kept.finalizers.includes(finalizer));
  if (kept.deleting && added) return expectCode(result, 422, 'Invalid');
  expectCode(result, 200);
  if (!result.ok) return;
  const { version, ...answered } = keptOf(result.value.object);
  expect(answered).toEqual({ ...asked, name: kept.name, uid: kept.uid, deleting: kept.deleting });
  const next: Kept = { ...kept, ...asked };
  const same = JSON.stringify({ ...next }) === JSON.stringify({ ...kept });
  if (same || isDry) return expect(version).toBe(kept.version);
  model.write(kept.name, next.deleting && next.finalizers.length === 0 ? null : next);
}

const create = fc
  .record({ name, content, version, dryRun, inNamespace: fc.constantFrom('n', 'n', 'n', 'absent') })
  .map((c) => {
    return new Command(`create ${JSON.stringify(c)}`, (model, real) => {
      const kept = model.leases.get(c.name);
      const resourceVersion = VERSIONS[c.version](kept);
      const object = objectOf(c.name, c.content, resourceVersion === '' ? {} : { resourceVersion });
      const created = real.store.create(lease, c.inNamespace, object, { nowMs: NOW_MS, dryRun: c.dryRun });
      // The real server, too, lets a version pass here that is no number.
      if (Number(resourceVersion) > 0 && c.version !== 'huge') return expectCode(created, 500);
      if (c.inNamespace === 'absent') return expectCode(created, 404, 'NotFound');
      if (kept !== undefined) return expectCode(created, 409, 'AlreadyExists');
      expectCode(created, 200);
      if (created.ok) playCreation(model, c.content, c.name, c.dryRun, created.value);
    });
  });

const put = fc.record({ name, content, version, uid, dryRun }).map((c) => {
  return new Command(`put ${JSON.stringify(c)}`, (model, real) => {
    const kept = model.leases.get(c.name);
    const [resourceVersion, uid] = [VERSIONS[c.version](kept), UIDS[c.uid](kept)];
    const object = objectOf(c.name, c.content, { resourceVersion, ...(uid !== undefined && { uid }) });
    const revision = { revise: () => ok(object), subresource: '', replaces: true };
    const result = real.store.update(target(c.name), revision, { nowMs: NOW_MS, dryRun: c.dryRun });
    if (uid !== undefined && uid !== kept?.uid) return expectCode(result, 409, 'Conflict');
    if (c.version === 'text' || c.version === 'huge') return expectCode(result, 500);
    if (kept === undefined) {
      expectCode(result, 200);
      return result.ok ? playCreation(model, c.content, c.name, c.dryRun, result.value.object) : undefined;
    }
    if (c.version === 'none' || c.version === 'zero') return expectCode(result, 422, 'Invalid');
    if (Number(resourceVersion) !== kept.version) return expectCode(result, 409, 'Conflict');
    return playChange(model, kept, c.content, c.dryRun, result);
  });
});

const patch = fc.record({ name, content, version, dryRun, refused: dryRun }).map((c) => {
  return new Command(`patch ${JSON.stringify(c)}`, (model, real) => {
    const kept = model.leases.get(c.name);
    const given = VERSIONS[c.version](kept);
    const revise = (current?: ApiObject): Result<ApiObject> => {
      if (c.refused) return fail(badRequest('no'));
      const { finalizers: _, ...metadata } = current!.metadata;
      const changed = objectOf(c.name, c.content, {});
      const version = given === '' ? {} : { resourceVersion: given };
      return ok({ ...changed, metadata: { ...metadata, ...changed.metadata, ...version } });
    };
    const revision = { revise, subresource: '', replaces: false };
    const result = real.store.update(target(c.name), revision, { nowMs: NOW_MS, dryRun: c.dryRun });
    if (kept === undefined) return expectCode(result, 404, 'NotFound');
    if (c.refused) return expectCode(result, 400);
    if (c.version === 'text' || c.version === 'huge') return expectCode(result, 500);
    if (c.version === 'zero') return expectCode(result, 422, 'Invalid');
    if (given !== '' && Number(given) !== kept.version) return expectCode(result, 409, 'Conflict');
    return playChange(model, kept, c.content, c.dryRun, result);
  });
});

const remove = fc
  .record({ name, uid, version: fc.constantFrom('none', 'none', 'right', 'padded', 'stale'), dryRun })
  .map((c) => {
    return new Command(`delete ${JSON.stringify(c)}`, (model, real) => {
      const kept = model.leases.get(c.name);
      const [uid, resourceVersion] = [UIDS[c.uid](kept), VERSIONS[c.version as keyof typeof VERSIONS](kept)];
      const preconditions = { ...(uid !== undefined && { uid }), ...(resourceVersion !== '' && { resourceVersion }) };
      const result = real.store.delete(target(c.name), preconditions, { nowMs: NOW_MS, dryRun: c.dryRun });
      if (kept === undefined) return expectCode(result, 404, 'NotFound');
      // Preconditions are compared as text.
      if (c.uid === 'other' || c.version === 'padded' || c.version === 'stale')
        return expectCode(result, 409, 'Conflict');
      expectCode(result, 200);
      if (c.dryRun) return;
      if (kept.finalizers.length === 0) model.write(c.name, null);
      else if (!kept.deleting) model.write(c.name, { ...kept, deleting: true });
    });
  });

const read = name.map((name) => {
  return new Command(`get ${name}`, (model, real) => {
    const found = real.store.get(target(name));
    if (!found.ok) expectCode(found, 404, 'NotFound');
    expect(found.ok ? keptOf(found.value) : undefined).toEqual(model.leases.get(name));
    expect(real.store.get(target(name, 'absent')).ok).toBe(false);
  });
});

const openWatch = fc
  .record({ back: fc.option(fc.integer({ min: -2, max: 20 })), label: fc.option(fc.constantFrom('a', 'b')) })
  .map((c) => {
    return new Command(`watch ${JSON.stringify(c)}`, (model, real) => {
      const since = c.back === null ? null : Math.max(1, model.version - c.back);
      const selects = ({ metadata }: ApiObject) => c.label === null || metadata.labels?.l === c.label;
      const query = { type: lease, namespace: 'n', selects, since, bookmarks: false, timeoutSeconds: 0 };
      real.watches.push({ watch: new Watch(real.store, query), label: c.label, cursor: since });
    });
  });

/** What a watch must be told: each write after its cursor, in order, as its selection sees it. */
function expectedEvents(model: Model, { cursor, label }: Watching): [string, Kept][] {
  const selected = (kept: Kept | null) => kept !== null && (label === null || kept.label === label);
  if (cursor === null) return model.listed.filter(selected).map((kept) => ['ADDED', kept]);
  return model.writes
    .filter(({ version }) => version > cursor)
    .flatMap(({ version, before, after }): [string, Kept][] => {
      if (selected(after)) return [[selected(before) ? 'MODIFIED' : 'ADDED', after!]];
      return selected(before) ? [['DELETED', { ...before!, version }]] : [];
    });
}

const poll = fc.nat().map((index) => {
  return new Command(`poll ${index}`, (model, real) => {
    const watching = real.watches[index % real.watches.length];
    if (watching === undefined) return;
    const { watch, cursor } = watching;
    const wasEnded = watch.ended;
    const events = watch.poll();
    if (wasEnded) return expect(events).toEqual([]);
    if (cursor !== null && cursor < real.store.compactedTo) {
      expect(events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }]);
      return expect(watch.ended).toBe(true);
    }
    const seen = events.map(({ type, object }) => [type, keptOf(object as unknown as ApiObject)]);
    expect(seen).toEqual(expectedEvents(model, watching));
    watching.cursor = Math.max(cursor ?? 0, model.version);
  });
});

const compact = fc.constant(
  new Command('compact', (model, real) => {
    real.store.compact();
    model.compactedTo = model.version;
  }),
);

const snapshot = fc.constant(
  new Command('snapshot', (model, real) => {
    real.snapshots.push({ real: real.store.snapshot(), version: model.version, leases: new Map(model.leases) });
  }),
);

const restore = fc.nat().map((index) => {
  return new Command(`restore ${index}`, (model, real) => {
    const taken = real.snapshots[index % real.snapshots.length];
    if (taken === undefined) return;
    real.store.restore(taken.real);
    model.version = taken.version;
    model.leases = new Map(taken.leases);
    model.writes = model.writes.filter(({ version }) => version <= taken.version);
    model.compactedTo = taken.version;
    // They must be opened anew.
    real.watches.length = 0;
  });
});

test('the store agrees with a list of all writes: outcomes, contents, numbers, and what each watch is told from any version', () => {
  const commands = fc.commands(
    [
      create,
      put,
      put,
      put,
      patch,
      patch,
      remove,
      remove,
      read,
      openWatch,
      openWatch,
      poll,
      poll,
      poll,
      compact,
      snapshot,
      restore,
    ],
    { maxCommands: 80, size: 'max' },
  );
  fc.assert(
    fc.property(commands, (all) => {
      const real = new Real();
      fc.modelRun(() => ({ model: new Model(real.store.resourceVersion), real }), all);
    }),
    { numRuns: 150 },
  );
});

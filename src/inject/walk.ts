import { isAlias, isCollection, isMap, isScalar, type Node, type YAMLMap, type YAMLSeq } from 'yaml';
import { pairOf, startOf } from './edit.ts';
import { Refused } from './report.ts';

/**
 * The mapping at the end of a way of keys, with the nodes passed. Refuses what can't be edited there without changing other
 * places, too: aliases, merged keys, anchors that are used elsewhere.
 */
export function walk(
  root: YAMLMap,
  around: readonly Node[],
  path: readonly (string | number)[],
  shared: ReadonlySet<string>,
): YAMLMap {
  let node: Node = root;
  for (const each of around) refuseShared(each, shared);
  refuseShared(node, shared);
  for (const [index, key] of path.entries()) {
    const name = path.slice(0, index + 1).join('.');
    const child: unknown =
      typeof key === 'number' ? (node as YAMLSeq).items[key] : isMap(node) && childOf(node, key, name);
    if (isAlias(child)) throw aliased(child, name);
    if (!isCollection(child)) {
      throw new Refused('UNUSUAL_SHAPE', startOf(node), `has no ${name} that could be added to`, 'write it out');
    }
    node = child;
    refuseShared(node, shared);
  }
  if (!isMap(node)) throw new Refused('UNUSUAL_SHAPE', startOf(node), `${path.join('.')} is no mapping`, 'mend it');
  return node;
}

/** Refuses a key that can't be added to in this mapping because its value stands elsewhere. */
export function refuseElsewhere(map: YAMLMap, key: string, merged: boolean, shared: ReadonlySet<string>): void {
  const child = pairOf(map, key)?.value;
  if (isAlias(child)) throw aliased(child, key);
  if (child === undefined && merged) throw mergedIn(map, key);
  if (child) refuseShared(child, shared);
}

function childOf(map: YAMLMap, key: string, name: string): unknown {
  const pair = pairOf(map, key);
  if (pair !== undefined) return pair.value;
  if (map.items.some(({ key: k }) => isMergeKey(k))) throw mergedIn(map, name);
  return undefined;
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === '<<';
}

function refuseShared(node: Node, shared: ReadonlySet<string>): void {
  const { anchor } = node as { anchor?: string };
  if (anchor === undefined || !shared.has(anchor)) return;
  throw new Refused(
    'ANCHOR_SHARED',
    startOf(node),
    `what has to be added to is anchored as &${anchor}, and used again by *${anchor}`,
    `write out one of the two, so that only this one changes`,
  );
}

function aliased(node: Node & { readonly source: string }, name: string): Refused {
  const message = `${name} is the alias *${node.source}: adding to it would change what stands at its anchor`;
  return new Refused('ALIAS_IN_THE_WAY', startOf(node), message, `write ${name} out here`);
}

function mergedIn(map: YAMLMap, name: string): Refused {
  const merge = map.items.find(({ key }) => isMergeKey(key));
  const offset = merge === undefined ? startOf(map) : startOf(merge.key as Node);
  const message = `${name} comes by the merge key <<: adding to it would change what it comes from, or hide it`;
  return new Refused('MERGED_KEY', offset, message, `write ${name} out here`);
}

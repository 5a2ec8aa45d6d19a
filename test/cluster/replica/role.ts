import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadAll } from 'js-yaml';

/** A rule of an RBAC Role. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const roleFile = resolve(import.meta.dirname, '../../../deploy/base/role.yaml');

/** The rules of the Role that `deploy/` ships, for a Lease of another name. */
export async function shippedRules(leaseName: string): Promise<Rule[]> {
  const documents = loadAll(await readFile(roleFile, 'utf8')) as { kind: string; rules: Rule[] }[];
  const role = documents.find(({ kind }) => kind === 'Role');
  if (role === undefined) throw new Error(`${roleFile} holds no Role`);
  return role.rules.map((rule) => (rule.resourceNames ? { ...rule, resourceNames: [leaseName] } : rule));
}

/** The same rules without one verb on one resource. */
export function withoutVerb(rules: readonly Rule[], resource: string, verb: string): Rule[] {
  return rules.map((rule) =>
    rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) } : rule,
  );
}

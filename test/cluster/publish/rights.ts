import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { load } from 'js-yaml';
import type { Rule } from '../replica/role.ts';
import { SERVICE, type Way } from './ways.ts';

const page = resolve(import.meta.dirname, '../../../docs/publishing.md');

/** The rules that the documentation of one way asks for, with its names of Service and Lease replaced. */
export async function documentedRights({ publish }: Way, leaseName: string): Promise<Rule[]> {
  const sections = (await readFile(page, 'utf8')).split(/^## /m);
  const section = sections.find((each) => each.startsWith(`${publish}\n`)) ?? '';
  const [, yaml] = /^```yaml\n# in the Role.*\n([^`]*)```$/m.exec(section) ?? [];
  if (yaml === undefined) throw new Error(`${page} documents no rules for ${publish}`);
  const names: Readonly<Record<string, string>> = {
    'web-leader': SERVICE,
    'web-leader.web': `${SERVICE}.${leaseName}`,
  };
  return (load(yaml) as Rule[]).map((rule) =>
    rule.resourceNames ? { ...rule, resourceNames: rule.resourceNames.map((name) => names[name] ?? name) } : rule,
  );
}

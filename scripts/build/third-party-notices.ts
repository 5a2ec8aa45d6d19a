import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Metafile } from 'esbuild';

/** The licences of the packages that a bundle contains: their texts must go where the code goes. */
export function noticesOf(root: string, metafiles: readonly Metafile[]): string {
  const folders = new Set<string>();
  for (const { outputs } of metafiles) {
    for (const { inputs } of Object.values(outputs)) {
      for (const path of Object.keys(inputs)) {
        // A path, with a plugin's namespace and a colon before it if it went through one.
        const folder = /([^:]*\/)?node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0];
        if (folder !== undefined) folders.add(resolve(root, folder));
      }
    }
  }
  return [...folders]
    .sort()
    .map(noticeOf)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return `${[`${name} ${version} (${typeof license === 'string' ? license : 'see below'})`, ...texts].join('\n\n')}\n`;
}

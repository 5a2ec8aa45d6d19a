/** Writes the pages under docs/ that are generated from the source: `npm run docs`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { configurationPage } from '../src/config/docs.ts';

const docs = new URL('../docs/', import.meta.url);
mkdirSync(docs, { recursive: true });
writeFileSync(new URL('configuration.md', docs), configurationPage());
console.log('wrote docs/configuration.md');

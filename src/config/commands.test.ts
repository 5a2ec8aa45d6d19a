import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from './commands.ts';
import { configurationPage } from './docs.ts';
import { helpText } from './help.ts';
import { labelOf, type Options, type OptionTable } from './option.ts';

const tables = Object.values(COMMANDS).map((table) => table as unknown as OptionTable<Options>);

describe.each(tables.map((table) => [table.command, table] as const))('the table of %s', (_, table) => {
  const options = Object.values(table.options);

  test('names each option, and no two alike', () => {
    const names = options.flatMap(({ flag, env, letter }) => [flag, env, letter].filter((name) => name !== undefined));
    expect(new Set(names).size).toBe(names.length);
    for (const { flag, env } of options) expect(flag ?? env).toBeDefined();
  });

  test('has flags that are the variables in kebab-case', () => {
    for (const { flag, env } of options) {
      if (flag !== undefined && env !== undefined) {
        expect(flag).toBe(
          env
            .replace(/^LEASEGATE_/, '')
            .replaceAll('_', '-')
            .toLowerCase(),
        );
      }
    }
  });

  test('has defaults that its own checks accept and that read as they are written', () => {
    for (const option of options) {
      if (option.defaultFrom !== undefined) expect(Object.keys(table.options)).toContain(option.defaultFrom);
      if (option.default === undefined) continue;
      const parsed = option.type.parse(option.default);
      expect(parsed, labelOf(option)).toMatchObject({ ok: true });
      if (parsed.ok) expect(option.type.format(parsed.value)).toBe(option.default);
    }
  });

  test('is told in full by --help, in lines that fit a terminal', () => {
    const text = helpText(table);
    for (const { flag, env, letter, switch: alone } of options) {
      const short = letter === undefined ? '' : `-${letter}, `;
      if (flag !== undefined) expect(text).toContain(`  ${short}--${flag}${alone ? '\n' : ' '}`);
      if (env !== undefined) expect(text).toContain(`env ${env}`);
    }
    const prose = text.replace(/\s+/g, ' ');
    for (const { meaning, danger } of options) {
      expect(prose).toContain(meaning.replaceAll('`', ''));
      if (danger !== undefined) expect(prose).toContain(danger.replaceAll('`', ''));
    }
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

test('docs/configuration.md is what the tables generate (npm run docs)', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  expect(page).toBe(configurationPage());
});

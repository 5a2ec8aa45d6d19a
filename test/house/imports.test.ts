import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeOf, filesIn, isTestCode, type SourceFile } from './files.fixture.ts';

interface Rule {
  /** Folders of `src` that it may import, besides itself. */
  readonly folders: readonly string[];
  /** Whether it may import libraries and Node's modules. */
  readonly libraries: boolean;
}

const CONSUMER: Rule = { folders: ['leadership', 'ports'], libraries: true };

/** Who may know whom. ARCHITECTURE.md says why. */
const RULES: Record<string, Rule> = {
  election: { folders: [], libraries: false },
  ports: { folders: [], libraries: false },
  // What names are made of: one hash for all of them. No library but Node's.
  naming: { folders: ['ports'], libraries: true },
  leadership: { folders: ['election', 'ports'], libraries: false },
  runner: { folders: ['election', 'leadership', 'ports'], libraries: false },
  kube: { folders: ['election', 'naming', 'ports'], libraries: true },
  api: CONSUMER,
  gateway: CONSUMER,
  publish: CONSUMER,
  notify: CONSUMER,
  shares: { folders: ['leadership', 'ports'], libraries: false },
  health: { folders: ['ports'], libraries: true },
  members: { folders: ['election', 'leadership', 'naming', 'ports'], libraries: true },
  coordinated: { folders: ['election', 'leadership', 'ports'], libraries: true },
  config: { folders: ['naming'], libraries: true },
  // It judges by the names and rules that publishing goes by.
  doctor: { folders: ['election', 'naming', 'ports', 'publish', 'workloads'], libraries: false },
  leases: { folders: ['naming', 'ports'], libraries: true },
  inject: { folders: ['config', 'naming', 'publish', 'workloads'], libraries: true },
  workloads: { folders: [], libraries: false },
  'lease-server': { folders: ['ports'], libraries: true },
};

const production = filesIn('src', ['.ts']).filter((file) => !isTestCode(file));

/** The folder of `src` that a file is in; null for the few files beside the folders. */
function folderOf(path: string): string | null {
  const [, folder, ...rest] = path.split('/');
  return rest.length === 0 ? null : folder!;
}

function importsOf(file: SourceFile): string[] {
  const statements = /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|import\s*\(?\s*['"]([^'"]+)['"]/g;
  return [...codeOf(file).matchAll(statements)].map((match) => (match[1] ?? match[2])!);
}

/** What is wrong with a file's imports. */
function problemsOf(file: SourceFile): string[] {
  const from = folderOf(file.path);
  // Only the command line wires things; what lies beside the folders (the version, say) imports nothing of them.
  if (from === 'cli') return [];
  const rule = from === null ? { folders: [], libraries: true } : RULES[from];
  if (rule === undefined) return [`${file.path}: nobody has said what src/${from} may import`];
  return importsOf(file).flatMap((specifier) => {
    if (!specifier.startsWith('.')) return rule.libraries ? [] : [`${file.path} imports ${specifier}`];
    const target = normalize(join(dirname(file.path), specifier));
    if (!target.startsWith('src/')) return [`${file.path} imports ${target}`];
    const to = folderOf(target);
    return to === null || to === from || rule.folders.includes(to) ? [] : [`${file.path} imports ${target}`];
  });
}

describe('imports', () => {
  test('go in the directions of the architecture', () => {
    expect(production.flatMap(problemsOf)).toEqual([]);
  });

  test('that go against them are found', () => {
    const found = (path: string, ...lines: string[]) => problemsOf({ path, text: lines.join('\n') });
    expect(found('src/election/step.ts', "import { now } from '../ports/clock.ts';")).toHaveLength(1);
    expect(found('src/election/step.ts', "import fs from 'node:fs';")).toHaveLength(1);
    expect(found('src/election/step.ts', "import type { X } from './state.ts';")).toEqual([]);
    expect(found('src/api/api.ts', 'import {', '  type A,', "} from '../runner/runner.ts';")).toHaveLength(1);
    expect(found('src/api/api.ts', "export { A } from '../gateway/gateway.ts';")).toHaveLength(1);
    expect(found('src/api/api.ts', "const kube = await import('../kube/client.ts');")).toHaveLength(1);
    expect(found('src/api/api.ts', "// import '../kube/client.ts';", "import express from 'express';")).toEqual([]);
    expect(found('src/kube/client.ts', "import '../../test/scenarios/support/world.ts';")).toHaveLength(1);
    expect(found('src/surprise/x.ts')).toHaveLength(1);
    expect(found('src/cli/run.ts', "import '../runner/runner.ts';")).toEqual([]);
  });

  test('never bring test code into production', () => {
    const wrong = production.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => /fixture\.ts$|\.test\.ts$|vitest/.test(specifier))
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('of our own files name them in full', () => {
    const wrong = filesIn('.', ['.ts']).flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.') && !/\.(ts|js|json)$/.test(specifier))
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the world outside', () => {
  /** What may be asked of `process` outside the command line: readings, no wiring. */
  const READINGS: Record<string, readonly string[]> = {
    // The only clock of Node that is the same in all processes of one machine.
    'src/ports/clock.ts': ['hrtime'],
    'src/api/process-metrics.ts': ['cpuUsage', 'memoryUsage', 'uptime'],
  };

  /** A member of it, the whole of it as a value, or its module; the English word in a sentence is none of these. */
  const PROCESS = /(?<![\w.$])process(?:\?\.|\.|\[)(\w+)|[(,=]\s*process\s*[),;]|['"]node:process['"]/g;

  test('is the command line’s: nothing else touches process', () => {
    const touched = production
      .filter(({ path }) => folderOf(path) !== 'cli')
      .flatMap((file) => {
        const uses = [...codeOf(file).matchAll(PROCESS)];
        const allowed = READINGS[file.path] ?? [];
        return uses.filter(([, member]) => !allowed.includes(member ?? '')).map(([use]) => `${file.path}: ${use}`);
      });
    expect(touched).toEqual([]);
  });

  test('reaches decisions only as arguments: no clock, timer or chance of their own', () => {
    const ambient =
      /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bset(?:Timeout|Interval|Immediate)\b|\bMath\.random\b|\bcrypto\b/g;
    const used = production
      .filter(({ path }) => ['election', 'leadership', 'runner'].includes(folderOf(path) ?? ''))
      .flatMap((file) => [...codeOf(file).matchAll(ambient)].map(([use]) => `${file.path}: ${use}`));
    expect(used).toEqual([]);
  });
});

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { TestContext } from './context.fixture.ts';
import { injectCommand } from './inject.ts';

const program = join(import.meta.dirname, 'main.ts');
const golden = (name: string) => join(import.meta.dirname, '../inject/golden', name);
const directory = mkdtempSync(join(tmpdir(), 'leasegate-inject-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** Runs the real program; its output is read only after `pauseMs`, which fills the pipe. */
function leasegate(args: readonly string[], input?: Buffer | string, pauseMs = 0): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { stdio: 'pipe', env: { PATH: process.env.PATH } });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  setTimeout(() => child.stdout.on('data', (chunk: Buffer) => out.push(chunk)), pauseMs);
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err).toString() }));
  });
}

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('leasegate inject', () => {
  test.each(['crlf', 'bom-no-final-newline', 'json-pretty'])(
    '%s: from stdin to stdout, and back by uninject, to the byte',
    async (name) => {
      const before = readFileSync(golden(`${name}.in.yaml`));
      const injected = await leasegate(['inject'], before);
      expect(injected).toMatchObject({ code: 0, out: readFileSync(golden(`${name}.out.yaml`)) });
      expect(injected.err).toBe(readFileSync(golden(`${name}.report.txt`), 'utf8'));
      const restored = await leasegate(['uninject', '-'], injected.out);
      expect(restored).toMatchObject({ code: 0, out: before });
      expect(restored.err).toContain('leasegate: RESTORED ');
    },
  );

  test('takes files, and names them in its report', async () => {
    const path = file('broken.yaml', 'kind: Pod\nkind: Pod\n');
    const { code, out, err } = await leasegate(['inject', golden('pod.in.yaml'), path]);
    expect({ code, out: out.length }).toEqual({ code: 1, out: 0 });
    expect(err).toContain(`YAML_INVALID input ${path}:2:1: DUPLICATE_KEY`);
  });

  test('prints nothing where it refuses', async () => {
    const { code, out, err } = await leasegate([
      'inject',
      '--publish',
      'readiness-gate',
      golden('refused-stall.in.yaml'),
    ]);
    expect({ code, out: out.length }).toEqual({ code: 1, out: 0 });
    expect(err).toMatch(/^leasegate: ROLLOUT_WOULD_STALL Deployment\/web .*; set spec\.strategy/);
    const forced = await leasegate(['inject', '--force', '--publish=readiness-gate', golden('refused-stall.in.yaml')]);
    expect(forced.code).toBe(0);
    expect(forced.out.length).toBeGreaterThan(1000);
  });

  test.each([
    [
      ['--set', 'LEASEGATE_LEASE_DURATOIN=15s'],
      'OPTION_UNKNOWN LEASEGATE_LEASE_DURATOIN "15s"',
      'did you mean LEASEGATE_LEASE_DURATION?',
    ],
    [['--set', 'LEASEGATE_LEASE_DURATION=15'], 'OPTION_INVALID LEASEGATE_LEASE_DURATION', 'write 15s'],
    [['--set', 'LEASEGATE_LEASE_DURATION=5s'], 'OPTION_CONFLICT', 'these fit together'],
    [['--set', 'LEASEGATE_PUBLISH=label'], 'OPTION_INVALID LEASEGATE_PUBLISH', 'use --publish'],
    [['--set', 'DEBUG=1'], 'OPTION_INVALID DEBUG', 'LEASEGATE_'],
    [['--set', 'LEASEGATE_PRIORITY=1', '--set', 'LEASEGATE_PRIORITY=2'], 'OPTION_INVALID --set', 'set it once'],
    [['--set', 'LEASEGATE_PROBE_LISTEN=127.0.0.1:4041'], 'OPTION_INVALID LEASEGATE_PROBE_LISTEN', 'every address'],
    [
      ['--lease-name=a,b', '--set', 'LEASEGATE_FAIR_SHARE=true'],
      'OPTION_CONFLICT LEASEGATE_FAIR_SHARE',
      '; use --members',
    ],
    [
      ['--members', '--set', 'LEASEGATE_FAIR_SHARE=true'],
      'OPTION_CONFLICT LEASEGATE_FAIR_SHARE',
      '; name several in --lease-name, with commas',
    ],
    [['--publsh', 'label'], 'OPTION_UNKNOWN --publsh', 'did you mean --publish?'],
    [['--publish', 'endpointslice'], 'OPTION_CONFLICT --publish', '--service NAME'],
    [['--service', 'web'], 'OPTION_CONFLICT --service', 'leave it out'],
    [['--gateway', '8080'], 'OPTION_INVALID --gateway', '8080:3000'],
    [['no-such-file.yaml'], 'INPUT_UNREADABLE "no-such-file.yaml": there is no such file', 'name a file'],
  ])('%j can’t be used', async (args, problem, remedy) => {
    const context = new TestContext();
    expect(await injectCommand(args, context)).toBe(2);
    expect(context.out).toBe('');
    expect(context.err).toContain(`leasegate: ${problem}`);
    expect(context.err).toContain(remedy);
  });

  test('a prefix that is set the wrong way is one mistake, and no conflict with a name that nobody gave', async () => {
    const context = new TestContext();
    expect(await injectCommand(['--set', 'LEASEGATE_LEASE_NAME_PREFIX=shop'], context)).toBe(2);
    expect(context.err).toMatch(
      /^leasegate: OPTION_INVALID LEASEGATE_LEASE_NAME_PREFIX .*; use --lease-name-prefix\n$/,
    );
  });

  test('does not say that it is done when its output could not be written', async () => {
    const context = new TestContext();
    context.stdoutError = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    expect(await injectCommand([golden('deployment.in.yaml')], context)).toBe(1);
    expect(context.err).toContain('OUTPUT_UNWRITABLE');
    context.stdoutError = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    expect(await injectCommand([golden('deployment.in.yaml')], context)).toBe(0);
  });

  test('refuses what is not UTF-8, rather than change its bytes', async () => {
    const texts = [
      Buffer.from('kind: Pod\n', 'utf16le'),
      Buffer.from('\ufeffkind: Pod\n', 'utf16le'),
      Buffer.from('k: \xe9\n', 'latin1'),
    ];
    for (const bytes of texts) {
      const context = new TestContext();
      expect(await injectCommand([file('other.yaml', bytes)], context)).toBe(2);
      expect(context.err).toContain('INPUT_NOT_UTF8');
    }
  });

  test('gives all of a large stream to a reader that is slow to begin', async () => {
    const filler = `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  text: ${'x'.repeat(500_000)}\n`;
    const before = readFileSync(golden('pod.in.yaml'), 'utf8') + filler.repeat(8);
    const injected = await leasegate(['inject'], before, 1_000);
    expect(injected.code).toBe(0);
    expect(injected.out.length).toBeGreaterThan(before.length);
    expect((await leasegate(['uninject'], injected.out)).out.equals(Buffer.from(before))).toBe(true);
  });
});

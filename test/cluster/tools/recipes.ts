import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildFlags, type GoTool, type ScriptedTool, sourcesOf, type Tool } from './catalog.ts';
import { runBuilder } from './run-builder.ts';

const execute = promisify(execFile);

/** What a tool's recipe takes, for whoever lacks it. */
export const needs = {
  go: "Go 1.26 or newer (for etcd, kube-apiserver and kubectl, KUBEBUILDER_ASSETS with envtest's binaries will do)",
  python: 'Python 3.10 or newer with pip (Debian: python3-pip)',
  java: 'a JDK, 17 or newer, and Maven (Debian: openjdk-17-jdk-headless, maven)',
} as const;

/**
 * Builds a tool.
 *
 * @param executable - where to write it, or what starts it
 * @param path - where the executable will be moved to; what it needs beside itself lies in a folder next to that
 * @param key - names that folder
 */
export async function make(tool: Tool, executable: string, path: string, key: string): Promise<void> {
  if (tool.recipe === 'go') return makeGo(tool, executable);
  const folder = folderOf(path, key);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const command = tool.recipe === 'python' ? await makePython(tool, folder) : await makeJava(tool, folder);
  await writeFile(executable, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
}

/** Removes the folders of earlier builds. */
export async function removeOutdated(path: string, key: string): Promise<void> {
  const current = basename(folderOf(path, key));
  const prefix = `${basename(path)}-`;
  for (const entry of await readdir(dirname(path))) {
    const isFolder = entry.startsWith(prefix) && /^[0-9a-f]{16}$/.test(entry.slice(prefix.length));
    if (isFolder && entry !== current) await rm(join(dirname(path), entry), { recursive: true, force: true });
  }
}

function folderOf(path: string, key: string): string {
  return `${path}-${key.slice(0, 16)}`;
}

async function makeGo(tool: GoTool, executable: string): Promise<void> {
  await runBuilder({
    command: 'go',
    args: ['build', ...(await buildFlags(tool)), '-o', executable, tool.package],
    directory: tool.module,
    env: { CGO_ENABLED: '0', GOWORK: 'off' },
    needs: needs.go,
  });
}

/** @returns the command that starts it, for a shell */
async function makePython(tool: ScriptedTool, folder: string): Promise<string> {
  const packages = join(folder, 'packages');
  const quiet = [
    '--quiet',
    '--no-input',
    '--disable-pip-version-check',
    '--no-warn-conflicts',
    '--root-user-action=ignore',
  ];
  await runBuilder({
    command: 'python3',
    args: ['-m', 'pip', 'install', ...quiet, '--target', packages, '--requirement', 'requirements.txt'],
    directory: tool.module,
    needs: needs.python,
  });
  for (const file of await sourcesOf(tool)) await copyFile(join(tool.module, file), join(folder, basename(file)));
  // Packages with machine code go with the interpreter that they were chosen for.
  const { stdout } = await execute('python3', ['-c', 'import sys; print(sys.executable)']);
  return `env PYTHONPATH='${packages}' '${stdout.trim()}' '${join(folder, 'elector.py')}'`;
}

/** @returns the command that starts it, for a shell */
async function makeJava(tool: ScriptedTool, folder: string): Promise<string> {
  const library = join(folder, 'lib');
  const classes = join(folder, 'classes');
  await runBuilder({
    command: 'mvn',
    args: ['-B', '-q', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${library}`],
    directory: tool.module,
    needs: needs.java,
  });
  const sources = (await sourcesOf(tool)).filter((file) => file.endsWith('.java'));
  await runBuilder({
    command: 'javac',
    args: ['--release', '17', '-d', classes, '-cp', `${library}/*`, ...sources],
    directory: tool.module,
    needs: needs.java,
  });
  // A small program of short life: compiled less, it starts sooner.
  const flags = '-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx128m';
  return `java ${flags} -cp '${classes}:${library}/*' Elector`;
}

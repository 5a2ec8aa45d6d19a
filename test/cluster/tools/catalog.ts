import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The binaries that the cluster suite and the benches know how to build. */
export type ToolName = keyof typeof catalog;

export type Tool = GoTool | ScriptedTool;

export interface GoTool {
  readonly recipe: 'go';
  /** Folder of the Go module that builds it, and that pins every version. */
  readonly module: string;
  /** What `go build` is asked for. */
  readonly package: string;
  readonly tags: string;
  /** Whether its own sources lie in the module's folder, rather than only its pins. */
  readonly ownSources: boolean;
  /** Where envtest's convention provides it ready made, through KUBEBUILDER_ASSETS. */
  readonly inKubebuilderAssets: boolean;
}

/** A program of ours in another language, which a small script starts. */
export interface ScriptedTool {
  readonly recipe: 'python' | 'java';
  /** Folder of its sources, with the file that pins every version. */
  readonly module: string;
  readonly ownSources: true;
  readonly inKubebuilderAssets: false;
}

const toolsModule = import.meta.dirname;

function kubernetesTool(name: string, inKubebuilderAssets = false): GoTool {
  return {
    recipe: 'go',
    module: toolsModule,
    package: `k8s.io/kubernetes/cmd/${name}`,
    tags: 'selinux,notest,grpcnotrace',
    ownSources: false,
    inKubebuilderAssets,
  };
}

function scriptedTool(recipe: ScriptedTool['recipe']): ScriptedTool {
  const module = resolve(toolsModule, '../../interop', recipe);
  return { recipe, module, ownSources: true, inKubebuilderAssets: false };
}

const catalog = {
  etcd: {
    recipe: 'go',
    module: join(toolsModule, 'etcd'),
    package: 'go.etcd.io/etcd/server/v3',
    tags: 'grpcnotrace',
    ownSources: false,
    inKubebuilderAssets: true,
  },
  'kube-apiserver': kubernetesTool('kube-apiserver', true),
  kubectl: kubernetesTool('kubectl', true),
  elector: {
    recipe: 'go',
    module: resolve(toolsModule, '../../interop/go'),
    package: '.',
    tags: '',
    ownSources: true,
    inKubebuilderAssets: false,
  },
  'reverse-proxy': {
    recipe: 'go',
    module: resolve(toolsModule, '../../bench/reverse-proxy'),
    package: '.',
    tags: '',
    ownSources: true,
    inKubebuilderAssets: false,
  },
  'elector-python': scriptedTool('python'),
  'elector-java': scriptedTool('java'),
  'kube-controller-manager': kubernetesTool('kube-controller-manager'),
  'kube-scheduler': kubernetesTool('kube-scheduler'),
  kubelet: kubernetesTool('kubelet'),
  'kube-proxy': kubernetesTool('kube-proxy'),
} satisfies Record<string, Tool>;

/** What is built unless other tools are named: all that the cluster suite needs, but for the electors in other languages. */
export const defaultTools: readonly ToolName[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kubectl',
  'elector',
];

export const allTools = Object.keys(catalog) as readonly ToolName[];

export function isToolName(name: string): name is ToolName {
  return Object.hasOwn(catalog, name);
}

export function toolNamed(name: ToolName): Tool {
  return catalog[name];
}

/** Arguments of `go build` for a tool, up to the output's path and the package. */
export async function buildFlags(tool: GoTool): Promise<string[]> {
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', await linkerFlags(tool)];
  return tool.tags ? [...flags, '-tags', tool.tags] : flags;
}

/** Unstamped, Kubernetes takes itself for v0.0.0 and refuses every feature gate. */
async function linkerFlags(tool: GoTool): Promise<string> {
  const stripped = '-s -w';
  if (!tool.package.startsWith('k8s.io/kubernetes/')) return stripped;
  const version = /\bk8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/.exec(
    await readFile(join(tool.module, 'go.mod'), 'utf8'),
  );
  if (!version) throw new Error(`${tool.module}/go.mod pins no version of k8s.io/kubernetes`);
  const [, gitVersion, gitMajor, gitMinor] = version;
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((versionPackage) =>
    Object.entries({ gitVersion, gitMajor, gitMinor }).map(
      ([field, value]) => `-X ${versionPackage}.${field}=${value}`,
    ),
  );
  return [stripped, ...stamps].join(' ');
}

/** Changes with everything that a tool is built from: pins, flags, platform, and its sources where they are ours. */
export async function toolKey(name: ToolName): Promise<string> {
  const tool = toolNamed(name);
  const hash = createHash('sha256').update(`${process.platform}/${process.arch}\n`);
  if (tool.recipe === 'go') for (const flag of await buildFlags(tool)) hash.update(`${flag}\n`);
  for (const file of await sourcesOf(tool)) hash.update(`${file}\n`).update(await readFile(join(tool.module, file)));
  return hash.digest('hex');
}

/** The files that a tool is built from, pins included, within its folder. */
export async function sourcesOf(tool: Tool): Promise<string[]> {
  if (!tool.ownSources) return ['go.mod', 'go.sum'];
  const files = await readdir(tool.module, { recursive: true });
  return files.filter((file) => SOURCES[tool.recipe].test(file)).sort();
}

const SOURCES = {
  go: /^[^/]+\.go$|^go\.(mod|sum)$/,
  python: /^[^/]+\.py$|^requirements\.txt$/,
  java: /\.java$|^pom\.xml$/,
};

/**
 * The folder that built tools are kept in: LEASEGATE_TOOLS_DIR, else one in the user's cache for the present pins.
 * It need not exist.
 */
export async function toolsDir(): Promise<string> {
  const chosen = process.env.LEASEGATE_TOOLS_DIR;
  if (chosen) return resolve(chosen);
  const hash = createHash('sha256');
  for (const name of allTools) if (!toolNamed(name).ownSources) hash.update(await toolKey(name));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'leasegate', 'tools', hash.digest('hex').slice(0, 16));
}

/** Where a tool is, or will be after it has been built. */
export async function toolPath(name: ToolName): Promise<string> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  return join(assets && toolNamed(name).inKubebuilderAssets ? resolve(assets) : await toolsDir(), name);
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesObject } from './cluster.ts';

const PODS = join(import.meta.dirname, 'pods');
const FOLDER = '/scripts';

/** What `pods/` holds, for pods of a namespace to run with the image's own Node. */
export function scripts(namespace: string): KubernetesObject {
  const names = ['application.ts', 'observer.ts', 'kill.ts'];
  const data = Object.fromEntries(names.map((name) => [name, readFileSync(join(PODS, name), 'utf8')]));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'scripts', namespace }, data };
}

/** Volume of {@link scripts}. */
export const scriptsVolume = { name: 'scripts', configMap: { name: 'scripts' } };

/** What makes a container run one of them. */
export function runScript(image: string, name: 'application.ts' | 'observer.ts' | 'kill.ts') {
  return {
    image,
    command: ['/usr/local/bin/node', join(FOLDER, name)],
    volumeMounts: [{ name: 'scripts', mountPath: FOLDER, readOnly: true }],
  };
}

/** What "restricted" Pod Security demands of a container. */
export const restricted = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

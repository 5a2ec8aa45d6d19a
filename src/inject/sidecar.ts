import type { Value } from './emit.ts';
import type { InjectOptions } from './options.ts';
import type { Settings } from './settings.ts';

export const SIDECAR = 'leasegate';
export const TOKEN_VOLUME = 'leasegate-token';

/** The native sidecar; the same as in deploy/components/sidecar (a test compares). */
export function sidecarOf(leaseName: string, { image, furtherLeases }: InjectOptions, { env, ports }: Settings): Value {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const extra = (name: string, containerPort: number | null) =>
    containerPort === null ? [] : [{ name, containerPort }];
  return {
    name: SIDECAR,
    image,
    restartPolicy: 'Always',
    env: [
      { name: 'LEASEGATE_LEASE_NAME', value: [leaseName, ...furtherLeases].join() },
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_UID', 'metadata.uid'),
      field('POD_IP', 'status.podIP'),
      ...env.map(([name, value]) => ({ name, value })),
    ],
    ports: [
      ...extra('leasegate', ports.probe),
      ...extra('leasegate-gw', ports.gateway),
      ...extra('leasegate-peer', ports.peer),
    ],
    startupProbe: { httpGet: { path: '/readyz', port: 'leasegate' }, periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { httpGet: { path: '/healthz', port: 'leasegate' }, periodSeconds: 10, timeoutSeconds: 5 },
    securityContext: {
      // Said of this container alone: the application's user is its own.
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    resources: { requests: { cpu: '10m', memory: '72Mi' }, limits: { memory: '128Mi' } },
    volumeMounts: [{ name: TOKEN_VOLUME, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
  };
}

/** The sidecar's token; what the kubelet mounts by itself, but whatever the workload says of that. */
export const TOKEN_VOLUME_SOURCE: Value = {
  name: TOKEN_VOLUME,
  projected: {
    // With apiVersion, which the API server would add: a list of sources is compared as a whole, and each apply a change.
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
};

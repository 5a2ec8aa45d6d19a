import { join } from 'node:path';
import type { Pki } from './pki.ts';
import { serviceAccountIssuer } from './tokens.ts';

/** Loopback ports of one control plane. */
export interface ControlPlanePorts {
  readonly apiServer: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
}

/** Where etcd keeps its data. */
export function etcdDirectory(directory: string): string {
  return join(directory, 'etcd');
}

export function etcdFlags(directory: string, ports: ControlPlanePorts): string[] {
  const clientUrl = `http://127.0.0.1:${ports.etcdClient}`;
  const peerUrl = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    '--name=e0',
    `--data-dir=${etcdDirectory(directory)}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=e0=${peerUrl}`,
    '--log-level=warn',
    // The data outlives the process, not the machine: enough for a test, and fast on a slow disk.
    '--unsafe-no-fsync',
  ];
}

export interface ApiServerSetup {
  readonly directory: string;
  readonly ports: ControlPlanePorts;
  readonly pki: Pki;
  readonly tokensFile: string;
  /** No audit log if absent. */
  readonly audit?: { readonly policyFile: string; readonly logFile: string };
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly runtimeConfig: Readonly<Record<string, boolean>>;
  /** IP address that it is served at. */
  readonly address: string;
  readonly nodesJoin: boolean;
}

const withNodes = [
  '--endpoint-reconciler-type=lease',
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction',
  '--kubelet-preferred-address-types=InternalIP',
];

const withoutNodes = [
  '--endpoint-reconciler-type=none',
  '--authorization-mode=RBAC',
  // No controller manager makes the "default" service accounts that this plugin demands of pods.
  '--disable-admission-plugins=ServiceAccount',
];

export function apiServerFlags(setup: ApiServerSetup): string[] {
  const { directory, ports, pki, audit } = setup;
  const flags = [
    `--etcd-servers=http://127.0.0.1:${ports.etcdClient}`,
    `--bind-address=${setup.address}`,
    `--advertise-address=${setup.address}`,
    `--secure-port=${ports.apiServer}`,
    `--token-auth-file=${setup.tokensFile}`,
    `--client-ca-file=${pki.caFile}`,
    `--tls-cert-file=${pki.servingCertificateFile}`,
    `--tls-private-key-file=${pki.servingKeyFile}`,
    `--cert-dir=${directory}`,
    `--service-account-issuer=${serviceAccountIssuer}`,
    `--service-account-key-file=${pki.serviceAccountPublicKeyFile}`,
    `--service-account-signing-key-file=${pki.serviceAccountKeyFile}`,
    '--service-cluster-ip-range=10.96.0.0/24',
    '--allow-privileged=true',
    '--v=1',
    ...(setup.nodesJoin ? withNodes : withoutNodes),
  ];
  if (audit) {
    flags.push(
      `--audit-policy-file=${audit.policyFile}`,
      `--audit-log-path=${audit.logFile}`,
      '--audit-log-maxsize=500',
    );
  }
  const assignments = (settings: Readonly<Record<string, boolean>>) =>
    Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const featureGates = assignments(setup.featureGates);
  const runtimeConfig = assignments(setup.runtimeConfig);
  if (featureGates.length > 0) flags.push(`--feature-gates=${featureGates.join(',')}`);
  if (runtimeConfig.length > 0) flags.push(`--runtime-config=${runtimeConfig.join(',')}`);
  return flags;
}

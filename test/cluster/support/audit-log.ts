import { readFile } from 'node:fs/promises';

/** One line of the API server's audit log at level Metadata; the fields that tests and benches ask for. */
export interface AuditEntry {
  readonly auditID: string;
  /** A watch has one entry when it starts (`ResponseStarted`) and one when it ends; other requests only the latter. */
  readonly stage: 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  readonly requestURI: string;
  readonly user: { readonly username: string; readonly groups?: readonly string[] };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
    readonly apiVersion?: string;
    readonly resourceVersion?: string;
  };
  readonly responseStatus?: { readonly code: number; readonly reason?: string };
  /** RFC 3339 with microseconds, wall clock. */
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** What the API server is told to log: everything that Leasegate may do, and nothing of its own housekeeping. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'None',
      users: ['system:apiserver'],
    },
    {
      level: 'Metadata',
      resources: [
        { group: 'coordination.k8s.io', resources: ['leases', 'leasecandidates'] },
        { group: '', resources: ['pods', 'pods/status', 'events'] },
        { group: 'events.k8s.io', resources: ['events'] },
        { group: 'discovery.k8s.io', resources: ['endpointslices'] },
      ],
    },
    { level: 'None' },
  ],
};

/** All entries so far, oldest first. A line that is still being written is left out. */
export async function readAuditLog(file: string): Promise<AuditEntry[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const wholeLines = text.slice(0, text.lastIndexOf('\n') + 1);
  return wholeLines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEntry);
}

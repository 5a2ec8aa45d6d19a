/** The embedded Kubernetes API server for Leases: `startLeaseServer` over HTTP, `answer` and `LeaseStore` without. */
export { type Answer, answer, type Circumstances, type Request } from './api.ts';
export { parseCall } from './call.ts';
export { type Fault, FaultPlan, type FaultScope } from './faults.ts';
export { type KubeconfigOptions, renderKubeconfig } from './kubeconfig.ts';
export { type LeaseServer, type LeaseServerOptions, startLeaseServer } from './server.ts';
export { LeaseStore, type StoreOptions } from './store.ts';
export { Traffic } from './traffic.ts';
export { Watch, type WatchEvent, type WatchQuery } from './watch.ts';

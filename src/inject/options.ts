import type { INJECT_OPTIONS } from '../config/inject-options.ts';
import type { Values } from '../config/option.ts';
import type { PUBLISHERS } from '../config/publish-options.ts';

/** `KIND/NAME`, or a name alone. */
export interface Selector {
  readonly kind: string | null;
  readonly name: string;
}

export interface InjectOptions {
  /** Null: the name of the workload. */
  readonly leaseName: string | null;
  /** Those beside it, where it is named. */
  readonly furtherLeases: readonly string[];
  /** Not null: the Lease's name is this with a hash of the workload. */
  readonly leaseNamePrefix: string | null;
  readonly image: string;
  readonly position: 'last' | 'first';
  /** Whether replicas keep heartbeats. */
  readonly members: boolean;
  readonly publish: readonly (typeof PUBLISHERS)[number][];
  readonly service: string | null;
  readonly gateway: { readonly listen: number; readonly target: number } | null;
  /** Further variables of the sidecar, checked by {@link settingsOf}. */
  readonly set: readonly (readonly [name: string, value: string])[];
  /** Empty: all. */
  readonly only: readonly Selector[];
  readonly rbac: boolean;
  /** For workloads that name none; null: one is made for them. */
  readonly serviceAccount: string | null;
  readonly force: boolean;
}

/** The options as the command line has them. */
export function optionsOf(values: Values<typeof INJECT_OPTIONS.options>): InjectOptions {
  return {
    leaseName: values.leaseName?.[0] ?? null,
    furtherLeases: values.leaseName?.slice(1) ?? [],
    leaseNamePrefix: values.leaseNamePrefix ?? null,
    image: values.image,
    position: values.position,
    members: values.members,
    publish: values.publish ?? [],
    service: values.service ?? null,
    gateway: values.gateway ?? null,
    set: values.set ?? [],
    only: values.only ?? [],
    rbac: !values.noRbac,
    serviceAccount: values.serviceAccount ?? null,
    force: values.force,
  };
}

/** Whether a workload is among those that were asked for. */
export function selects(only: readonly Selector[], subject: string): boolean {
  const [kind, name] = subject.split('/');
  const same = (selector: Selector) => selector.kind === null || selector.kind.toLowerCase() === kind!.toLowerCase();
  return only.length === 0 || only.some((selector) => selector.name === name && same(selector));
}

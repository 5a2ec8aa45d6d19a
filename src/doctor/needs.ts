import type { Access } from '../ports/doctor.ts';
import type { FindingCode } from './finding.ts';
import type { Plan } from './plan.ts';

/** What is done with one kind of object for one purpose: one rule of a Role. */
export interface Need {
  readonly code: FindingCode;
  /** As in `the rights to write Events`. */
  readonly purpose: string;
  readonly namespace: string;
  readonly group: string;
  readonly resource: string;
  /** Where the rule can name the object. */
  readonly name: string | null;
  readonly verbs: readonly string[];
  /** Verbs without which it goes on, if worse: a watch is replaced by looking now and then. */
  readonly helpful: readonly string[];
  /** How bad it is where another verb is missing. */
  readonly level: 'warning' | 'error';
  /** What does not work then. */
  readonly consequence: string;
}

/** What is known of the objects that the rights are for. */
export interface Circumstances {
  /** Of each election. */
  readonly leasesThere: boolean;
  /** Whether the pod has the election's label already; null where no pod could be looked at. */
  readonly labelled: boolean | null;
}

/** Which rights the options need: one for each rule of docs/publishing.md and of the Role in deploy/. */
export function needsOf(plan: Plan, { leasesThere, labelled }: Circumstances): Need[] {
  const { lease, furtherLeases, derived, podNamespace, publishers, members, coordinated, slice } = plan;
  const common = { name: null, helpful: [], level: 'error' as const };
  const leases = { ...common, namespace: lease.namespace, group: 'coordination.k8s.io', resource: 'leases' };
  const needs: Need[] = [
    ...[lease.name, ...furtherLeases].map((name) => ({
      ...leases,
      code: 'LEASE_RIGHTS_MISSING' as const,
      purpose: 'to take part in the election',
      name,
      verbs: ['get', 'list', 'watch', 'update'],
      helpful: ['list', 'watch'],
      consequence: 'without get and update it never leads, without list and watch it asks every retry period',
    })),
  ];
  if (!coordinated) {
    needs.push({
      ...leases,
      code: 'LEASE_CREATE_RIGHT_MISSING',
      purpose: 'to create the Lease',
      verbs: ['create'],
      level: leasesThere ? 'warning' : 'error',
      consequence: leasesThere
        ? 'should the Lease be deleted, it has to be applied again'
        : furtherLeases.length > 0
          ? 'not every Lease is there, and without its Lease nobody ever leads an election'
          : 'there is no Lease, so nobody ever leads',
    });
  } else {
    needs.push({
      ...leases,
      code: 'COORDINATED_RIGHTS_MISSING',
      purpose: 'to stand as a candidate',
      resource: 'leasecandidates',
      verbs: ['create', 'get', 'list', 'watch', 'update', 'delete'],
      helpful: ['delete'],
      consequence:
        'it is never chosen; without delete only it still is, and stays a candidate that answers nothing after its end',
    });
  }
  for (const { apiGroup: group, resource } of derived?.read ?? []) {
    needs.push({
      ...common,
      code: 'LEASE_NAME_RIGHTS_MISSING',
      purpose: 'to name the Lease after its workload',
      ...{ namespace: podNamespace, group, resource },
      verbs: ['get'],
      consequence: 'a replica that starts never learns which Lease is its own',
    });
  }
  if (members) {
    needs.push({
      ...leases,
      code: 'MEMBERS_RIGHTS_MISSING',
      purpose: 'to keep a heartbeat',
      verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
      helpful: ['delete'],
      consequence:
        'without get, create and update the others never hear of it, without list and watch it knows of nobody, without delete its Lease stays until its pod is deleted',
    });
  }
  for (const namespace of new Set([lease.namespace, ...(publishers.length > 0 ? [podNamespace] : [])])) {
    needs.push({
      ...common,
      code: 'EVENT_RIGHT_MISSING',
      purpose: 'to write Events',
      namespace,
      group: '',
      resource: 'events',
      verbs: ['create'],
      level: 'warning',
      consequence: 'kubectl describe shows no change of leaders, and nothing that is wrong',
    });
  }
  const pods = { ...common, namespace: podNamespace, group: '', resource: 'pods' };
  const ofPods = publishers.filter((publisher) => publisher !== 'endpointslice');
  const gate = ofPods.includes('readiness-gate');
  const labelIsMaybe = labelled === null && !ofPods.includes('label');
  if (ofPods.length > 0) {
    needs.push({
      ...pods,
      code: ofPods.includes('label') ? 'LABEL_RIGHTS_MISSING' : 'GATE_RIGHTS_MISSING',
      purpose: `to publish by ${ofPods.join(' and ')}`,
      // Without `label` a patch of the pod sets nothing but the election's label.
      verbs: ['get', 'list', 'watch', ...(ofPods.includes('label') || !labelled ? ['patch'] : [])],
      helpful: ['watch', ...(labelIsMaybe ? ['patch'] : [])],
      consequence: `the cluster is not told who leads${labelIsMaybe ? '; patch is not needed where the pod template has the label leasegate.dev/election' : ''}`,
    });
  }
  if (gate) {
    needs.push({
      ...pods,
      code: 'GATE_RIGHTS_MISSING',
      purpose: 'to publish by readiness-gate',
      resource: 'pods/status',
      verbs: ['patch'],
      consequence: 'no pod is ever Ready',
    });
  }
  if (slice !== null) {
    const slices = { group: 'discovery.k8s.io', resource: 'endpointslices' };
    const publishing = {
      ...common,
      code: 'ENDPOINTSLICE_RIGHTS_MISSING' as const,
      purpose: 'to publish by endpointslice',
      namespace: podNamespace,
      consequence: 'the Service has no endpoint',
    };
    needs.push(
      { ...publishing, group: '', resource: 'services', name: slice.service, verbs: ['get'] },
      { ...publishing, ...slices, name: slice.name, verbs: ['get', 'watch', 'patch'], helpful: ['watch'] },
      { ...publishing, ...slices, verbs: ['create'] },
    );
  }
  return needs;
}

/** The questions that a need is asked by, one for each verb. */
export function accessesOf({ namespace, group, resource, name, verbs }: Need): Access[] {
  return verbs.map((verb) => ({ namespace, verb, group, resource, ...(name === null ? {} : { name }) }));
}

/** The rule of a Role that grants all of a need, as YAML: an item of its `rules`. */
export function ruleOf({ group, resource, name, verbs }: Need): string {
  return [
    `- apiGroups: [${group === '' ? '""' : group}]`,
    `  resources: [${resource}]`,
    // Quoted: `1e3`, `null` and `on` are names, too.
    ...(name === null ? [] : [`  resourceNames: [${JSON.stringify(name)}]`]),
    `  verbs: [${verbs.join(', ')}]`,
  ].join('\n');
}

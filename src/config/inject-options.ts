import { PREFIX_LENGTH_MAX } from '../naming/workload-lease.ts';
import { VERSION } from '../version.ts';
import { dnsLabel, dnsSubdomain, leaseNames, listOf, oneOf, prefixOf } from './names.ts';
import { boolean } from './numbers.ts';
import { defineOptions } from './option.ts';
import { PUBLISHERS } from './publish-options.ts';
import { accepted, refused, type ValueType } from './value-type.ts';

const INPUT = {
  placeholder: 'FILE',
  meaning: 'Manifests, YAML or JSON; several are joined. `-`, or none: standard input.',
} as const;

const image: ValueType<string> = {
  placeholder: 'IMAGE',
  accepts: 'reference of an image',
  format: (value) => value,
  parse: (text) =>
    /^[A-Za-z0-9][\w.:/@-]*$/.test(text)
      ? accepted(text)
      : refused('is not the reference of an image', `write registry/name:tag, such as leasegate:${VERSION}`),
};

/** `Deployment/web`, or `web`. */
const workloads: ValueType<readonly { readonly kind: string | null; readonly name: string }[]> = {
  placeholder: '[KIND/]NAME',
  accepts: 'kind and name, or name, of a workload; may be repeated',
  format: (value) => value.map(({ kind, name }) => (kind === null ? name : `${kind}/${name}`)).join('\n'),
  parse(text) {
    const found = text.split('\n').map((line) => /^(?:([A-Za-z]+)\/)?([^/\s]+)$/.exec(line));
    if (found.includes(null)) return refused('names no workload', 'write Deployment/web, or web');
    return accepted(found.map((match) => ({ kind: match![1] ?? null, name: match![2]! })));
  },
};

const assignments: ValueType<readonly (readonly [name: string, value: string])[]> = {
  placeholder: 'NAME=VALUE',
  accepts: 'a variable of `leasegate run` and its value; may be repeated',
  format: (value) => value.map(([name, text]) => `${name}=${text}`).join('\n'),
  parse(text) {
    const found: [string, string][] = [];
    for (const line of text.split('\n')) {
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        return refused('is no assignment', 'write NAME=VALUE, such as LEASEGATE_LEASE_DURATION=30s');
      }
      if (found.some(([known]) => known === name)) return refused(`sets ${name} twice`, 'set it once');
      found.push([name, value]);
    }
    return accepted(found);
  },
};

/** Ports of the gateway: where it listens, and where the application does. */
const gatewayPorts: ValueType<{ readonly listen: number; readonly target: number }> = {
  placeholder: 'PORT:PORT',
  accepts: "the gateway's port, a colon, the application's port",
  format: ({ listen, target }) => `${listen}:${target}`,
  parse(text) {
    const [, listen, target] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
    const ports = { listen: Number(listen), target: Number(target) };
    const valid = (port: number) => port >= 1 && port <= 65_535;
    if (!valid(ports.listen) || !valid(ports.target)) return refused('is no pair of ports', 'write such as 8080:3000');
    return ports.listen === ports.target
      ? refused('has the same port twice', 'one is where the gateway listens, the other where the application does')
      : accepted(ports);
  },
};

const only = {
  flag: 'only',
  type: workloads,
  repeatable: true,
  defaultText: 'all workloads of the input',
  group: 'Selection',
} as const;

export const INJECT_OPTIONS = defineOptions({
  command: 'inject',
  summary:
    'Adds the sidecar, and the rights that it needs, to the workloads of manifests, and prints them. A report goes to standard error.',
  positionals: INPUT,
  options: {
    leaseName: {
      flag: 'lease-name',
      type: leaseNames,
      defaultText: 'the name of the workload',
      group: 'Election',
      meaning: 'Name of the Lease. Several, with commas between them, are as many elections: docs/elections.md.',
    },
    leaseNamePrefix: {
      flag: 'lease-name-prefix',
      type: prefixOf(PREFIX_LENGTH_MAX),
      defaultText: 'the name holds no hash',
      group: 'Election',
      meaning:
        "Instead of a name: the Lease is `<prefix>-<hash>`, with a hash of the workload's kind and name, as `LEASEGATE_LEASE_NAME_PREFIX` makes it: docs/custom-leases.md.",
      danger: 'What renames the workload later does not reach the hash: let `inject` be the last step.',
    },
    set: {
      flag: 'set',
      type: assignments,
      repeatable: true,
      group: 'Election',
      meaning: 'A further option of the sidecar, checked as `leasegate run` will.',
    },
    members: {
      flag: 'members',
      type: boolean,
      default: 'false',
      switch: true,
      group: 'Election',
      meaning: 'Each replica keeps a heartbeat (`LEASEGATE_MEMBERS`), with the rights for it.',
      danger: 'The rights are for every Lease of the namespace: apply the admission policies, which take that back.',
    },
    publish: {
      flag: 'publish',
      type: listOf(PUBLISHERS),
      defaultText: 'the application asks by itself',
      group: 'Routing',
      meaning: 'How a Service finds the leader, with the rights for it, and with `readiness-gate` the gate.',
      danger:
        'With `readiness-gate` rollouts and drains may stall; where the manifests show that they would, it is refused.',
    },
    gateway: {
      flag: 'gateway',
      type: gatewayPorts,
      defaultText: 'no gateway',
      group: 'Routing',
      meaning: 'Puts the gateway before the application: it listens on the first port and passes on to the second.',
      danger: 'The application must listen on 127.0.0.1 only, or clients may go past the gateway.',
    },
    service: {
      flag: 'service',
      type: dnsLabel,
      defaultText: 'no Service is changed',
      group: 'Routing',
      meaning:
        'The Service that shall lead to the leader. In the input it is changed: with `label` its selector, with a gateway its targetPort. With `endpointslice` it is the one without a selector.',
    },
    only: { ...only, meaning: 'What to inject. All else passes through.' },
    position: {
      flag: 'position',
      type: oneOf(['last', 'first']),
      default: 'last',
      group: 'Pod',
      meaning:
        'Where among the init containers. `last`: a replica takes part when the others are done, right before the application starts. `first`: init containers can ask who leads.',
      danger: 'With `first` a replica may lead while its init containers still run.',
    },
    image: {
      flag: 'image',
      type: image,
      default: `leasegate:${VERSION}`,
      group: 'Pod',
      meaning: 'Image of the sidecar.',
    },
    serviceAccount: {
      flag: 'service-account',
      type: dnsSubdomain,
      defaultText: 'one is made, named <Lease>-leasegate',
      group: 'Rights',
      meaning: 'An existing service account for workloads that name none. Those that name one keep it.',
    },
    noRbac: {
      flag: 'no-rbac',
      type: boolean,
      default: 'false',
      switch: true,
      group: 'Rights',
      meaning: 'Adds no ServiceAccount, Role, RoleBinding and Lease: they come from elsewhere.',
    },
    force: {
      flag: 'force',
      type: boolean,
      default: 'false',
      switch: true,
      group: 'Selection',
      meaning:
        'Goes on where a rollout or a drain would stall, workloads would share a Lease, or a Service would not lead to the leader.',
      danger: 'They will.',
    },
  },
  relations: [
    {
      between: ['leaseName', 'leaseNamePrefix'],
      rule: 'Either `--lease-name` or `--lease-name-prefix` is given, or neither.',
      broken: (_values, show) => ({
        message: `${show('leaseName')} and ${show('leaseNamePrefix')} both name the Lease`,
        remedy: 'take one of them',
      }),
    },
    {
      between: ['publish'],
      rule: '`endpointslice` needs `--service`.',
      broken: ({ publish }, show, given) =>
        publish?.includes('endpointslice') && !given('service')
          ? {
              message: `${show('publish')} has no Service`,
              remedy: 'name a Service without a selector: --service NAME',
            }
          : null,
    },
    {
      between: ['service'],
      rule: '`--service` belongs to a gateway, or to `label` or `endpointslice`.',
      broken({ publish = [] }, show, given) {
        if (given('gateway') || publish.some((way) => way !== 'readiness-gate')) return null;
        const remedy = 'add --publish label, --publish endpointslice or --gateway, or leave it out';
        return { message: `${show('service')} would not be changed`, remedy };
      },
    },
    {
      between: ['gateway', 'publish'],
      rule: 'A gateway and `endpointslice` do without each other.',
      broken: ({ publish }, show) =>
        publish?.includes('endpointslice')
          ? {
              message: `${show('gateway')} and ${show('publish')} both route`,
              remedy:
                'take one of them; where both are wanted, set the targetPort of that Service to the gateway yourself',
            }
          : null,
    },
  ],
});

export const UNINJECT_OPTIONS = defineOptions({
  command: 'uninject',
  summary: 'Takes out of manifests what `leasegate inject` added, and prints them as they were, to the byte.',
  positionals: INPUT,
  options: { only: { ...only, meaning: 'What to restore. All else passes through.' } },
  relations: [],
});

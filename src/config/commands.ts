import { address } from './address.ts';
import { PAUSE_OPTIONS, RESUME_OPTIONS, STATUS_OPTIONS, STEP_DOWN_OPTIONS } from './client-options.ts';
import { DOCTOR_OPTIONS } from './doctor-options.ts';
import { INJECT_OPTIONS, UNINJECT_OPTIONS } from './inject-options.ts';
import { LEASES_OPTIONS } from './leases-options.ts';
import { leaseNames, oneOf, path } from './names.ts';
import { defineOptions } from './option.ts';
import { RUN_OPTIONS } from './run-options.ts';

export const LEASE_SERVER_OPTIONS = defineOptions({
  command: 'lease-server',
  summary: 'Serves an embedded Lease API server, for local development and tests.',
  options: {
    listen: {
      flag: 'listen',
      type: address({ loopbackOnly: true }),
      default: '127.0.0.1:0',
      group: 'Server',
      meaning: 'Where the API is served.',
      danger: 'Whoever reaches it may do everything: it asks nobody who they are.',
    },
    kubeconfigOut: {
      flag: 'kubeconfig-out',
      type: path,
      group: 'Server',
      meaning: 'Kubeconfig file to write, for `leasegate run --kubeconfig` and kubectl. Without it none is written.',
      danger: 'An existing file is overwritten.',
    },
    lease: {
      flag: 'lease',
      type: leaseNames,
      group: 'Server',
      meaning:
        'Names of Leases that are there from the start, free, in the namespace `default`: the first replica leads at once. Without it there are none, and the first replica waits before it creates one.',
    },
  },
  relations: [],
});

export const DEMO_OPTIONS = defineOptions({
  command: 'demo',
  summary: 'Shows three replicas electing a leader on an embedded Lease API server.',
  options: {
    script: {
      flag: 'script',
      type: oneOf(['failover']),
      defaultText: 'the live view',
      group: 'Demo',
      meaning: 'Runs by itself, prints one JSON line for each hand-over, and ends.',
    },
  },
  relations: [],
});

/** Each subcommand's options. */
export const COMMANDS = {
  run: RUN_OPTIONS,
  doctor: DOCTOR_OPTIONS,
  status: STATUS_OPTIONS,
  'step-down': STEP_DOWN_OPTIONS,
  pause: PAUSE_OPTIONS,
  resume: RESUME_OPTIONS,
  leases: LEASES_OPTIONS,
  inject: INJECT_OPTIONS,
  uninject: UNINJECT_OPTIONS,
  'lease-server': LEASE_SERVER_OPTIONS,
  demo: DEMO_OPTIONS,
} as const;

import { type Address, address, formatAddress, targetAddress } from './address.ts';
import { dnsSubdomain, oneOf } from './names.ts';
import { boolean } from './numbers.ts';
import { defineOptions, type Options } from './option.ts';
import type { ValueType } from './value-type.ts';

/** The address of a local API; its URL says no more. */
const apiAddress: ValueType<Address> = {
  placeholder: 'HOST:PORT',
  accepts: 'address `host:port`, also as `http://host:port`',
  format: formatAddress,
  parse: (text) => targetAddress.parse(text.replace(/^http:\/\//, '').replace(/\/$/, '')),
};

/** What each command takes that speaks to a sidecar. */
const CLIENT_OPTIONS = {
  api: {
    flag: 'api',
    type: apiAddress,
    defaultFrom: 'apiListen',
    group: 'Client',
    meaning: 'The local API of the sidecar to ask.',
  },
  apiListen: {
    env: 'LEASEGATE_API_LISTEN',
    type: address({ loopbackOnly: true }),
    default: '127.0.0.1:4040',
    group: 'Client',
    meaning:
      'What the sidecar itself goes by: with `kubectl exec` into its container nothing else need be said. From elsewhere, `kubectl port-forward` makes it local.',
  },
  output: {
    flag: 'output',
    type: oneOf(['text', 'json']),
    default: 'text',
    group: 'Client',
    meaning: '`json`: the answer of the API, on one line.',
  },
} as const satisfies Options;

const immediate = {
  flag: 'immediate',
  type: boolean,
  default: 'false',
  switch: true,
  group: 'Hand-over',
  meaning: 'Does not wait for answers already given to run out.',
  danger: 'Another replica may lead while an application still trusts one.',
} as const;

const election = {
  flag: 'election',
  type: dnsSubdomain,
  group: 'Client',
} as const;

export const STATUS_OPTIONS = defineOptions({
  command: 'status',
  summary: 'Tells whether a replica leads, who does, and whether the replica is a candidate.',
  options: {
    election: {
      ...election,
      defaultText: 'the first, and a line for each',
      meaning: 'Of several elections the one to tell of: the name of its Lease.',
    },
    ...CLIENT_OPTIONS,
  },
  relations: [],
});

export const STEP_DOWN_OPTIONS = defineOptions({
  command: 'step-down',
  summary: 'Makes the replica give up leading; returns when the Lease is free.',
  options: {
    to: {
      flag: 'to',
      type: dnsSubdomain,
      defaultText: 'whoever is first',
      group: 'Hand-over',
      meaning: 'Pod of the replica that is to lead next. It must be able to: not paused, not unhealthy.',
    },
    immediate,
    election: {
      ...election,
      defaultText: 'the first',
      meaning: 'Of several elections the one to give up: the name of its Lease.',
    },
    ...CLIENT_OPTIONS,
  },
  relations: [],
});

export const PAUSE_OPTIONS = defineOptions({
  command: 'pause',
  summary: 'Makes the replica give up leading, if it leads, and stay out of the election until it is resumed.',
  options: {
    immediate,
    election: {
      ...election,
      defaultText: 'all of them',
      meaning: 'Of several elections the one to stay out of: the name of its Lease.',
    },
    ...CLIENT_OPTIONS,
  },
  relations: [],
});

export const RESUME_OPTIONS = defineOptions({
  command: 'resume',
  summary: 'Lets a paused replica take part again.',
  options: {
    election: {
      ...election,
      defaultText: 'all of them',
      meaning: 'Of several elections the one to take part in again: the name of its Lease.',
    },
    ...CLIENT_OPTIONS,
  },
  relations: [],
});

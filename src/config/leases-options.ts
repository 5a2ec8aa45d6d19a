import { contextName, dnsLabel, oneOf } from './names.ts';
import { boolean } from './numbers.ts';
import { defineOptions } from './option.ts';
import { RUN_OPTIONS } from './run-options.ts';

export const LEASES_OPTIONS = defineOptions({
  command: 'leases',
  summary: 'Lists Leases: what each is for, who holds it, and whether it is renewed in time. Changes nothing.',
  options: {
    namespace: {
      flag: 'namespace',
      letter: 'n',
      type: dnsLabel,
      defaultText: "in a pod the service account's, else that of the kubeconfig's context",
      group: 'Selection',
      meaning: 'Whose Leases.',
    },
    allNamespaces: {
      flag: 'all-namespaces',
      letter: 'A',
      type: boolean,
      default: 'false',
      switch: true,
      group: 'Selection',
      meaning: 'The Leases of all namespaces: those of the nodes and of the API servers among them.',
    },
    watch: {
      flag: 'watch',
      type: boolean,
      default: 'false',
      switch: true,
      group: 'Report',
      meaning:
        'Goes on, and counts the age of each Lease from when it is seen to be renewed: remote clocks need not be right. On a terminal every second, else whenever a holder or a state changes.',
    },
    output: {
      flag: 'output',
      type: oneOf(['text', 'wide', 'json']),
      default: 'text',
      group: 'Report',
      meaning: '`wide`: whole holders, durations and numbers of terms. `json`: all of it, on one line.',
    },
    kubeconfig: RUN_OPTIONS.options.kubeconfig,
    context: {
      flag: 'context',
      type: contextName,
      defaultText: 'the current one',
      group: 'Process',
      meaning: 'Context of the kubeconfig, as with kubectl.',
    },
  },
  relations: [],
});

import { contextName, dnsSubdomain, oneOf } from './names.ts';
import { defineOptions } from './option.ts';
import { RUN_OPTIONS } from './run-options.ts';

/** All that `leasegate run` takes: in the sidecar's container the same environment says what to look at. */
export const DOCTOR_OPTIONS = defineOptions({
  command: 'doctor',
  summary: 'Finds what keeps a replica with the same options from working, and what to do about it. Changes nothing.',
  envPrefix: 'LEASEGATE_',
  options: {
    output: {
      flag: 'output',
      type: oneOf(['text', 'json']),
      default: 'text',
      group: 'Report',
      meaning: '`json`: all findings as one object on one line, problems with options included.',
    },
    pod: {
      flag: 'pod',
      type: dnsSubdomain,
      defaultText: '`POD_NAME`, in a pod',
      group: 'Report',
      meaning:
        'From elsewhere: a pod of a replica to look at, with what owns it. Instead of `POD_NAME`, `POD_UID` and `POD_IP`.',
    },
    serviceAccount: {
      flag: 'service-account',
      type: dnsSubdomain,
      defaultText: "that of the pod, where it can be read; else the caller's own rights",
      group: 'Report',
      meaning:
        "The replicas' service account, in the pods' namespace: its rights are asked for. For somebody who is not that account himself; he needs `create` for `subjectaccessreviews`.",
    },
    context: {
      flag: 'context',
      type: contextName,
      defaultText: 'the current one',
      group: 'Report',
      meaning: 'Context of the kubeconfig, as with kubectl. Its namespace counts, too, where no other is named.',
    },
    ...RUN_OPTIONS.options,
  },
  relations: RUN_OPTIONS.relations,
});

import { failed, found, podOf, serviceOf } from '../cluster.fixture.ts';
import { type Example, GATE, gated, having, nothing, sliced } from './example.fixture.ts';

export const POD_EXAMPLES: Example[] = [
  { claim: 'the pod', arrange: nothing, code: 'POD_OK', level: 'ok' },
  {
    claim: 'no such pod',
    arrange: having({ podReading: found(null) }),
    code: 'POD_MISSING',
    level: 'warning',
    remedy: /metadata\.name/,
  },
  {
    claim: 'no such pod, where it is to be written to',
    arrange: having({ podReading: found(null) }),
    plan: gated,
    code: 'POD_MISSING',
    level: 'error',
    remedy: /metadata\.name/,
  },
  {
    claim: 'no such pod as was asked for',
    arrange: having({ podReading: found(null) }),
    plan: { pod: { name: 'web-0', uid: null, from: '--pod' } },
    code: 'POD_MISSING',
    level: 'error',
    remedy: /^correct --pod or the namespace/,
  },
  {
    claim: 'another uid',
    arrange: nothing,
    plan: { pod: { name: 'web-0', uid: 'uid-of-before', from: 'POD_NAME' } },
    code: 'POD_UID_DIFFERS',
    level: 'error',
    remedy: /metadata\.uid/,
  },
  {
    claim: 'a pod that may not be read',
    arrange: having({ podReading: failed('forbidden') }),
    code: 'POD_UNREADABLE',
    level: 'skipped',
    remedy: /kubeconfig/,
  },
  {
    claim: 'a pod that was not told who it is',
    arrange: nothing,
    plan: { envMissing: ['POD_UID'] },
    code: 'POD_ENV_MISSING',
    level: 'warning',
    remedy: /set POD_UID from the downward API/,
  },
  {
    claim: 'less grace than draining and waiting may take',
    arrange: nothing,
    plan: { graceMsMin: 40_500 },
    code: 'GRACE_SHORT',
    level: 'warning',
    message: /30 s/,
    remedy: /to 41 or more/,
  },
  {
    claim: 'no gate, and one to be opened',
    arrange: nothing,
    plan: gated,
    code: 'GATE_MISSING',
    level: 'error',
    remedy: /readinessGates/,
  },
  {
    claim: 'a gate that nobody opens',
    arrange: having({ podReading: found(podOf(GATE)) }),
    code: 'GATE_UNPUBLISHED',
    level: 'error',
    remedy: /LEASEGATE_PUBLISH/,
  },

  { claim: 'a Service of its own', arrange: nothing, plan: sliced, code: 'SERVICE_OK', level: 'ok' },
  {
    claim: 'no Service',
    arrange: having({ serviceReading: found(null) }),
    plan: sliced,
    code: 'SERVICE_MISSING',
    level: 'error',
    remedy: /without a selector/,
  },
  ...(
    [
      ['a selector', { selector: { app: 'web' }, ports: [{ port: 80 }] }, /selector/],
      ['no ports', {}, /one/],
      ['a named targetPort', { ports: [{ port: 80, targetPort: 'http' }] }, /number/],
      ['another host', { type: 'ExternalName' }, /type/],
    ] as const
  ).map(
    ([claim, spec, remedy]): Example => ({
      claim: `a Service with ${claim}`,
      arrange: having({ serviceReading: found(serviceOf(spec)) }),
      plan: sliced,
      code: 'SERVICE_UNSUITABLE',
      level: 'error',
      remedy,
    }),
  ),
  {
    claim: 'a Service that may not be read',
    arrange: having({ serviceReading: failed('forbidden') }),
    plan: sliced,
    code: 'SERVICE_UNREADABLE',
    level: 'skipped',
    remedy: /somebody who may/,
  },
  {
    claim: 'a Service that can not be read',
    arrange: having({ serviceReading: failed('timeout') }),
    plan: sliced,
    code: 'SERVICE_UNREADABLE',
    level: 'error',
    remedy: /./,
  },
];

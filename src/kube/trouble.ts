import type { Logger } from '../ports/log.ts';
import type { Failure } from './errors.ts';

/** Codes that are no trouble: another replica was faster, or what was asked for is not there. */
const NORMAL: readonly Failure['code'][] = ['conflict', 'already-exists', 'not-found', 'gone'];

/** What the server says of one object, and need not say of another; all else fails for all alike. */
const OF_ONE: readonly Failure['code'][] = ['forbidden', 'invalid', 'namespace-missing', 'server-error', 'unexpected'];
/** Stands for every object. */
const ANY = '*';

/**
 * Keeps the log to one line per change: the first failure of each kind of request, the change to another failure, and the
 * recovery; not one line per attempt, nor one per object, but for what is forbidden, since each has a rule of its own.
 */
export class TroubleLog {
  readonly #log: Logger;
  /** By verb, then by object. */
  readonly #present = new Map<string, Map<string, Failure['code']>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `failure` is null after a success. `rule` is the RBAC rule that would allow the request. `object`: its name. */
  note(verb: string, failure: Failure | null, rule: () => string, object = ''): void {
    const code = failure === null || NORMAL.includes(failure.code) ? null : failure.code;
    const present = this.#present.get(verb) ?? new Map<string, Failure['code']>();
    const before = present.get(object) ?? present.get(ANY) ?? null;
    if (code === before) return;
    this.#present.set(verb, present);
    present.delete(object);
    present.delete(ANY);
    const told = (what: Failure['code'] | null) =>
      what !== null && what !== 'forbidden' && [...present.values()].includes(what);
    if (code === null) {
      if (!told(before))
        this.#log.info({ code: 'API_RECOVERED', verb, was: before }, `API server: ${verb} works again`);
      return;
    }
    const isTold = told(code);
    present.set(OF_ONE.includes(code) ? object : ANY, code);
    if (isTold) return;
    this.#log.warn(
      {
        code: `API_${code.toUpperCase().replaceAll('-', '_')}`,
        verb,
        remedy: failure?.remedy ?? remedyFor(code, rule()),
      },
      `API server: ${verb} failed: ${failure?.message ?? code}`,
    );
  }
}

/** What the operator can do. `rule` is the RBAC rule that would allow the request. */
export function remedyFor(code: Failure['code'], rule: string): string {
  switch (code) {
    case 'forbidden':
      return `add this rule to the Role of the pod's service account: ${rule}`;
    case 'unauthorized':
      return "the credentials are refused: check the service account's token (is it mounted, has it expired?)";
    case 'namespace-missing':
      return 'create the namespace, or correct LEASEGATE_NAMESPACE';
    case 'invalid':
      return 'the API server refuses the Lease: another program may have written it in an unusable form';
    case 'throttled':
      return 'the API server is overloaded: its Retry-After is heeded';
    case 'unexpected':
      return 'is this address really a Kubernetes API server that serves coordination.k8s.io/v1? see what answers there';
    case 'no-credentials':
      return "check the kubeconfig's user and cluster, or the pod's service account token";
    case 'unreachable':
      return 'check the address of the API server, DNS and network policies; it is tried again';
    default:
      return 'it is tried again';
  }
}

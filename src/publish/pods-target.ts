import type { PublisherName } from '../ports/publish-metrics.ts';
import type { Patch, Pod, PodsPort, PublishFailure, Reply, Watching } from '../ports/publisher.ts';
import { ELECTION_LABEL, isPodName } from './names.ts';
import type { PodFacet } from './pod-facet.ts';
import { hasGate, readinessGate } from './readiness-gate.ts';
import { membershipLabel, roleLabel } from './role-label.ts';
import type { Finding, Findings, Target, Turn } from './target.ts';

export interface PodsTargetOptions {
  readonly pods: PodsPort;
  readonly own: { readonly name: string; readonly uid: string };
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Value of the election's label. */
  readonly election: string;
  readonly publishers: readonly PublisherName[];
}

const LEADERS_SEEN_MAX = 8;
const PATCHES_AT_A_TIME = 4;

/** The pods of an election: their labels, their conditions, or both. */
export class PodsTarget implements Target {
  readonly publishers: readonly PublisherName[];
  readonly #options: PodsTargetOptions;
  readonly #facets: readonly PodFacet[];
  readonly #selector: string;
  /** This pod as it was last read or written. */
  #own: Pod | null = null;
  /** The term in which `leader` was written and perhaps not yet taken back. */
  #wroteInTerm: string | null = null;
  /** Pods that were seen leading, and may be about to write so. */
  readonly #leadersSeen = new Set<string>();

  constructor(options: PodsTargetOptions) {
    const { election, lease, publishers } = options;
    this.#options = options;
    this.publishers = publishers;
    this.#selector = `${ELECTION_LABEL}=${election}`;
    const gate = publishers.includes('readiness-gate');
    this.#facets = [
      publishers.includes('label') ? roleLabel(election) : membershipLabel(election, 'readiness-gate'),
      ...(gate ? [readinessGate(lease)] : []),
    ];
  }

  sawLeader(pod: string): void {
    // Another elector's identity may hold any text, which is then no pod of the election.
    if (pod === this.#options.own.name || !isPodName(pod)) return;
    this.#leadersSeen.delete(pod);
    this.#leadersSeen.add(pod);
    const [oldest] = this.#leadersSeen;
    if (this.#leadersSeen.size > LEADERS_SEEN_MAX && oldest !== undefined) this.#leadersSeen.delete(oldest);
  }

  async pass(turn: Turn): Promise<Findings> {
    const token = turn.token();
    const findings = new Map<PublisherName, Finding>();
    const failure = token === null ? await this.#standBy(turn, findings) : await this.#lead(turn, token, findings);
    if (failure !== null) for (const publisher of this.publishers) findings.set(publisher, { failure, wrote: false });
    const gate = findings.get('readiness-gate');
    if (gate?.failure === null && this.#own !== null && !hasGate(this.#own)) {
      findings.set('readiness-gate', { ...gate, failure: NO_GATE });
    }
    return findings;
  }

  watch(turn: () => Turn, handlers: { disturbed(): void; trouble(failure: PublishFailure | null): void }): Watching {
    return this.#options.pods.watch(this.#selector, {
      trouble: handlers.trouble,
      seen: (pod, gone) => {
        const { wallMs, ...now } = turn();
        const token = now.token();
        if (token === null) return;
        const own = pod.metadata.uid === this.#options.own.uid;
        const wrong = own
          ? gone || this.#facets.some((facet) => facet.lead(pod, token, wallMs) !== null)
          : !gone && this.#facets.some((facet) => facet.clear(pod, token, false, wallMs) !== null);
        if (wrong) handlers.disturbed();
      },
    });
  }

  /** The others first, then this pod: two never say `leader` at once. Returns what keeps all of it from being done. */
  async #lead(turn: Turn, token: string, findings: Map<PublisherName, Finding>): Promise<PublishFailure | null> {
    const { pods, own: self } = this.#options;
    const listed = await pods.list(this.#selector, turn.timeoutMs);
    if (!listed.ok) return listed.failure;
    const read = listed.value.find(({ metadata }) => metadata.uid === self.uid);
    const own: Reply<Pod | null> =
      read === undefined ? await pods.get(self.name, turn.timeoutMs) : { ok: true, value: read };
    if (!own.ok) return own.failure;
    if (own.value?.metadata.uid !== self.uid) return this.#noSuchPod();
    const others = new Map(listed.value.flatMap((pod) => (pod === read ? [] : [[pod.metadata.name, pod]])));
    const seen = [...this.#leadersSeen];
    for (const name of seen) {
      if (others.has(name)) continue;
      const other = await pods.get(name, turn.timeoutMs);
      if (!other.ok) return other.failure;
      // One that says that it belongs to another election does.
      if (other.value !== null && other.value.metadata.labels?.[ELECTION_LABEL] === undefined)
        others.set(name, other.value);
    }

    this.#own = own.value;
    for (const facet of this.#facets) {
      const cleared = await this.#clear(facet, others, token, turn);
      if (turn.token() !== token) return null;
      note(findings, facet, cleared);
      if (cleared.failure !== null) continue;
      const patch = facet.lead(this.#own, token, turn.wallMs);
      if (patch === null) continue;
      this.#wroteInTerm = token;
      const written = await this.#patch(facet, self.name, patch, turn);
      note(findings, facet, { failure: written.ok ? null : written.failure, wrote: true });
      if (turn.token() !== token) return null;
      if (written.ok) this.#own = written.value;
    }
    // All have been changed since they were seen: what they may still be writing fails.
    if (allInOrder(findings)) for (const name of seen) this.#leadersSeen.delete(name);
    return null;
  }

  async #clear(facet: PodFacet, others: Map<string, Pod>, token: string, turn: Turn): Promise<Finding> {
    const stale = [...others].flatMap(([name, pod]) => {
      const patch = facet.clear(pod, token, this.#leadersSeen.has(name), turn.wallMs);
      return patch === null ? [] : [{ name, patch }];
    });
    for (let first = 0; first < stale.length; first += PATCHES_AT_A_TIME) {
      if (turn.token() !== token) break;
      const some = stale.slice(first, first + PATCHES_AT_A_TIME);
      const replies = await Promise.all(some.map(({ name, patch }) => this.#patch(facet, name, patch, turn)));
      for (const [index, reply] of replies.entries()) {
        if (reply.ok) others.set(some[index]!.name, reply.value);
        else if (reply.failure.code !== 'not-found') return { failure: reply.failure, wrote: true };
      }
    }
    return { failure: null, wrote: stale.length > 0 };
  }

  async #standBy(turn: Turn, findings: Map<PublisherName, Finding>): Promise<PublishFailure | null> {
    const { pods, own: self } = this.#options;
    const term = this.#wroteInTerm;
    // After a term this pod is as it was written last; it is patched in any case, and whatever its version is.
    if (this.#own === null || term === null) {
      const read = await pods.get(self.name, turn.timeoutMs);
      if (!read.ok) return read.failure;
      if (read.value?.metadata.uid !== self.uid) return this.#noSuchPod();
      if (turn.overtaken()) return null;
      this.#own = read.value;
    }
    for (const facet of this.#facets) {
      const patch: Patch | null = facet.standBy(this.#own, term, turn.wallMs);
      const written = patch && (await this.#patch(facet, self.name, patch, turn));
      if (turn.overtaken()) return null;
      note(findings, facet, { failure: written?.ok === false ? written.failure : null, wrote: written !== null });
      if (written?.ok) this.#own = written.value;
    }
    if (allInOrder(findings)) this.#wroteInTerm = null;
    else this.#own = null;
    return null;
  }

  #patch(facet: PodFacet, name: string, patch: Patch, { timeoutMs }: Turn): Promise<Reply<Pod>> {
    const { pods } = this.#options;
    return facet.ofStatus ? pods.patchStatus(name, patch, timeoutMs) : pods.patch(name, patch, timeoutMs);
  }

  #noSuchPod(): PublishFailure {
    const { name, uid } = this.#options.own;
    return {
      code: 'not-found',
      request: 'get pods',
      message: `there is no pod ${name} with uid ${uid}`,
      remedy: 'set POD_NAME, POD_UID and POD_NAMESPACE from the downward API',
      retryAfterMs: null,
      answered: true,
      again: 'later',
    };
  }
}

/** What is done in several steps is in order when all of them are. */
function note(findings: Map<PublisherName, Finding>, { publisher }: PodFacet, step: Finding): void {
  const before = findings.get(publisher);
  findings.set(publisher, {
    failure: before?.failure ?? step.failure,
    wrote: step.wrote || before?.wrote === true,
  });
}

function allInOrder(findings: Findings): boolean {
  return [...findings.values()].every(({ failure }) => failure === null);
}

const NO_GATE: PublishFailure = {
  code: 'gate-missing',
  request: 'patch pods/status',
  message: 'the pod has no readiness gate, so that its readiness does not depend on who leads',
  remedy: 'add "readinessGates: [{conditionType: leasegate.dev/leader}]" to the pod\'s spec',
  retryAfterMs: null,
  answered: true,
  again: 'change',
};

import { randomUUID } from 'node:crypto';
import { type LeaseServer, renderKubeconfig, startLeaseServer } from '../../lease-server/index.ts';
import { Claims } from './claims.ts';
import { Journal } from './journal.ts';
import { Rates } from './rates.ts';
import { Replica, type ReplicaNews, type TimedAnswer } from './replica.ts';
import { StoredLease } from './stored-lease.ts';
import { DEMO_LEASE, humanMs, REPLICA_NAMES } from './timings.ts';
import type { DemoView, JournalEntry, LeaderView, ReplicaView } from './view.ts';
import { causeOf, type Deed, tellDeed, tellOver, tellStop } from './words.ts';
import { Workspace } from './workspace.ts';

export interface GroupOptions {
  /** The script that `leasegate` was started as. */
  readonly script: string;
  /** Something changed that a view may show. */
  readonly onChange?: () => void;
  readonly onEntry?: (entry: JournalEntry) => void;
}

/** Somebody began to lead. */
export interface Election {
  readonly replica: Replica;
  readonly token: string;
  readonly atMs: number;
}

const CLOSE_MS_MAX = 3_000;

/** Three replicas, their API server, and what can be done to them. */
export class Group {
  readonly replicas: readonly Replica[];
  readonly lease: StoredLease;
  readonly journal: Journal;
  readonly claims = new Claims();
  readonly #server: LeaseServer;
  readonly #workspace = new Workspace();
  readonly #onChange: () => void;
  readonly #cutOff = new Set<Replica>();
  readonly #frozenMs = new Map<Replica, number>();
  readonly #rates = new Map<Replica, Rates>();
  readonly #listeners = new Set<(election: Election) => void>();
  #leaderSinceWallMs = 0;
  /** What was last done to the leader: if another leads next, that is why. */
  #cause: { readonly name: string; readonly what: string; readonly atMs: number } | null = null;

  /** Starts the API server and the replicas; they elect their first leader by themselves. */
  static async start(options: GroupOptions): Promise<Group> {
    const server = await startLeaseServer({ listen: '127.0.0.1:0' });
    const group = new Group(server, options);
    for (const replica of group.replicas) replica.start();
    return group;
  }

  private constructor(server: LeaseServer, { script, onChange, onEntry }: GroupOptions) {
    this.#server = server;
    this.#onChange = onChange ?? (() => {});
    this.journal = new Journal((entry) => {
      onEntry?.(entry);
      this.#onChange();
    });
    this.lease = new StoredLease(server.store);
    this.replicas = REPLICA_NAMES.map((name) => {
      const text = renderKubeconfig({ server: server.url, namespace: DEMO_LEASE.namespace, token: name });
      const pod = { name, uid: randomUUID(), kubeconfig: this.#workspace.write(`${name}.kubeconfig`, text) };
      const replica: Replica = new Replica(script, pod, {
        news: (news) => this.#news(replica, news),
        answered: (timed) => this.#answered(replica, timed),
      });
      this.#rates.set(replica, new Rates());
      return replica;
    });
    this.journal.add(`API server on ${server.url}; three replicas start`);
  }

  /** Who leads by its own last word, for as long as that promised. */
  get leader(): Replica | null {
    return this.replicas.find((replica) => replica.validForMs() > 0) ?? null;
  }

  isCutOff(replica: Replica): boolean {
    return this.#cutOff.has(replica);
  }

  /** Does something to a replica and tells the journal. What makes no sense in its state is not done. */
  do(replica: Replica, deed: Deed): void {
    if (!this.#makesSense(replica, deed)) return;
    const leads = replica.leadingToken !== null;
    const heldBefore = this.lease.view.holder === replica.name;
    if (leads && !['continue', 'reconnect', 'revive'].includes(deed)) {
      this.#cause = { name: replica.name, what: causeOf(deed), atMs: performance.now() };
    }
    this.#perform(replica, deed);
    this.journal.add(tellDeed(replica.name, deed, deed === 'revive' ? heldBefore : leads), 'strong');
  }

  /** The next replica that begins to lead; null when none did in time. */
  nextElection(timeoutMs: number): Promise<Election | null> {
    return new Promise((resolve) => {
      const finish = (election: Election | null) => {
        clearTimeout(timer);
        this.#listeners.delete(finish);
        resolve(election);
      };
      const timer = setTimeout(() => finish(null), timeoutMs);
      this.#listeners.add(finish);
    });
  }

  view(selected: number): DemoView {
    return {
      nowWallMs: Date.now(),
      leader: this.#leaderView(),
      lease: this.lease.view,
      replicas: this.replicas.map((replica) => this.#replicaView(replica)),
      selected,
      journal: this.journal.entries,
      conflict: this.claims.conflict(),
    };
  }

  /** Ends everything and leaves nothing behind. */
  async close(): Promise<void> {
    const gone = Promise.all(this.replicas.map((replica) => replica.gone()));
    this.destroy();
    const tooLate = new Promise((resolve) => setTimeout(resolve, CLOSE_MS_MAX).unref());
    await Promise.race([Promise.all([gone, this.#server.abort()]), tooLate]);
  }

  /** The same without waiting, for an exit handler. */
  destroy(): void {
    this.lease.close();
    for (const replica of this.replicas) replica.destroy();
    this.#workspace.remove();
  }

  #makesSense(replica: Replica, deed: Deed): boolean {
    switch (deed) {
      case 'revive':
        return !replica.running;
      case 'kill':
        return replica.running;
      case 'continue':
        return replica.running && replica.frozen;
      case 'freeze':
        return replica.running && !replica.frozen;
      case 'terminate':
        // A stopped process would only get it when it goes on.
        return replica.running && !replica.frozen;
      case 'step-down':
        return replica.leadingToken !== null && !replica.frozen;
      case 'cut-off':
        return !this.isCutOff(replica);
      case 'reconnect':
        return this.isCutOff(replica);
    }
  }

  #perform(replica: Replica, deed: Deed): void {
    switch (deed) {
      case 'kill':
        this.claims.vanished(replica.name);
        replica.kill();
        return;
      case 'terminate':
        replica.terminate();
        return;
      case 'revive':
        this.claims.disclaimed(replica.name);
        replica.start();
        return;
      case 'freeze':
        this.claims.vanished(replica.name);
        this.#frozenMs.set(replica, performance.now());
        replica.freeze();
        this.#tellWhenOver(replica);
        return;
      case 'continue':
        replica.continue();
        return;
      case 'cut-off':
        this.#cutOff.add(replica);
        this.#server.faults.inject({ kind: 'cut-off' }, { token: replica.name });
        return;
      case 'reconnect':
        this.#cutOff.delete(replica);
        this.#server.faults.lift(replica.name);
        return;
      case 'step-down':
        replica.stepDown().then(
          (answer) => this.journal.add(`${replica.name} answered ${answer}`, 'faint'),
          () => this.journal.add(`${replica.name} did not answer to /step-down`, 'warn'),
        );
        return;
    }
  }

  /** A frozen leader's term ends without a word from it. */
  #tellWhenOver(replica: Replica): void {
    const leftMs = replica.validForMs();
    if (leftMs === 0) return;
    setTimeout(() => {
      if (replica.frozen && replica.validForMs() === 0) this.journal.add(tellOver(replica.name), 'warn');
    }, leftMs + 1).unref();
  }

  #news(replica: Replica, news: ReplicaNews): void {
    const { name } = replica;
    switch (news.kind) {
      case 'listening':
        this.#onChange();
        return;
      case 'leads':
        this.#leaderSinceWallMs = Date.now();
        this.journal.add(`${name} leads, fencing token ${news.token}${this.#after(news.atMs)}`, 'good');
        for (const listener of [...this.#listeners]) listener({ replica, token: news.token, atMs: news.atMs });
        return;
      case 'stopped':
        this.claims.disclaimed(name);
        this.journal.add(tellStop(name, news.reason, news.lateMs, Date.now()), 'warn');
        return;
      case 'woke':
        this.#woke(replica, news.isLeader);
        return;
      case 'ended':
        if (!news.asked) this.#endedUnasked(replica, news);
        else if (news.how.startsWith('ended')) this.journal.add(`${name} ${news.how}`, 'faint');
        return;
      case 'warned':
        this.journal.add(`${name} logs: ${news.text}`, 'faint');
        return;
    }
  }

  #after(atMs: number): string {
    const cause = this.#cause;
    this.#cause = null;
    return cause === null ? '' : `, ${humanMs(atMs - cause.atMs)} after ${cause.name} ${cause.what}`;
  }

  #woke(replica: Replica, isLeader: boolean): void {
    const frozenMs = performance.now() - (this.#frozenMs.get(replica) ?? performance.now());
    if (isLeader && this.#cause?.name === replica.name) this.#cause = null;
    this.journal.add(
      `${replica.name}'s first answer after it was frozen for ${humanMs(frozenMs)}: isLeader ${isLeader}`,
      'strong',
    );
  }

  #endedUnasked({ name }: Replica, { how, led, lastWords }: ReplicaNews & { kind: 'ended' }): void {
    this.claims.vanished(name);
    if (led) this.#cause = { name, what: `was ${how}`, atMs: performance.now() };
    this.journal.add(`${name} was ${how}, not by the demo. ${lastWords}`.trim(), 'bad');
  }

  #answered(replica: Replica, { answer, sentMs, receivedMs }: TimedAnswer): void {
    if (answer.isLeader && answer.fencingToken !== null) {
      this.claims.claimed(replica.name, answer.fencingToken, sentMs, receivedMs, answer.validForMs);
    }
  }

  #leaderView(): LeaderView | null {
    const { leader } = this;
    if (leader === null) return null;
    return {
      name: leader.name,
      token: leader.leadingToken ?? '',
      sinceWallMs: this.#leaderSinceWallMs,
      validForMs: leader.validForMs(),
      frozen: leader.frozen,
    };
  }

  #replicaView(replica: Replica): ReplicaView {
    const { name, pid, url, state } = replica;
    const requestsPerSecond = this.#rates.get(replica)!.sample(performance.now(), this.#server.traffic.of(name));
    return { name, pid, url, state, cutOff: this.isCutOff(replica), requestsPerSecond };
  }
}

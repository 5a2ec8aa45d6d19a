import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Elector } from '../replica/elector.ts';
import { checkHistory, overlaps } from '../replica/history.ts';
import { LeaseWatch } from '../replica/lease-watch.ts';
import type { Replica, Timings } from '../replica/replica.ts';
import { shippedRules } from '../replica/role.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { findTool } from '../tools/build.ts';
import { LIBRARIES, type Library } from './libraries.ts';

/** Brisk, but with the shortest retry period that the Python client takes. */
export const TIMINGS: Timings = { leaseDuration: '5s', renewDeadline: '3s', retryPeriod: '1s' };
export const DURATION_MS = 5_000;
const RENEW_DEADLINE_MS = 3_000;
const START_TIMEOUT_MS = 30_000;
const AGREE_TIMEOUT_MS = 15_000;

export type Member = Replica | Elector;

/** An election between Leasegate and other libraries on one Lease, with a witness that belongs to none of them. */
export class MixedElection {
  readonly scene: Scene;
  readonly witness: LeaseWatch;
  #electors = 0;

  /** Ships the Lease, and what fabric8 asks for beyond the Role that ships: it patches. */
  static async open(scene: Scene): Promise<MixedElection> {
    const rules = await shippedRules(scene.leaseName);
    await scene.setRules(
      rules.map((rule) => (rule.verbs.includes('update') ? { ...rule, verbs: [...rule.verbs, 'patch'] } : rule)),
    );
    await scene.shipLease();
    return new MixedElection(scene, await LeaseWatch.open(scene.controlPlane, scene.leasePath));
  }

  private constructor(scene: Scene, witness: LeaseWatch) {
    this.scene = scene;
    this.witness = witness;
  }

  /** Those that run, Leasegate's first. */
  get members(): Member[] {
    return [...this.scene.replicas, ...this.scene.electors].filter(({ running }) => running);
  }

  /** Starts another library's elector and waits until it sees the present holder. */
  async startFollower(library: Library): Promise<Elector> {
    const { scene, witness } = this;
    const identity = `${library}-${++this.#electors}`;
    const elector = new Elector({
      command: await findTool(LIBRARIES[library].tool),
      identity,
      kubeconfig: await this.#kubeconfig(identity),
      namespace: scene.namespace,
      leaseName: scene.leaseName,
      timings: scene.timings,
      deadline: { renewDeadlineMs: RENEW_DEADLINE_MS, witness },
    });
    scene.electors.push(elector);
    await elector.untilEvent('new-leader', START_TIMEOUT_MS);
    return elector;
  }

  /** Starts a replica of Leasegate and waits until it learns of changes by itself. */
  async startReplica(): Promise<Replica> {
    const [replica] = await this.scene.startReplicas(1);
    return replica!;
  }

  /** The member that the Lease names. */
  async holder(): Promise<Member> {
    const { holderIdentity } = (await this.scene.lease()).spec;
    const holder = this.members.find(({ identity }) => identity === holderIdentity);
    if (holder === undefined) throw new Error(`the Lease is held by ${holderIdentity}, which does not run`);
    return holder;
  }

  /** Waits until a member holds the Lease and says that it leads. */
  async untilLeads(member: Member, timeoutMs: number): Promise<void> {
    await until(`${member.name} holds the Lease`, timeoutMs, async () => {
      return (await this.scene.lease()).spec.holderIdentity === member.identity;
    });
    await until(`${member.name} leads`, AGREE_TIMEOUT_MS, () => member.leading);
  }

  /** Waits until every member takes the Lease's holder for it, and nobody else takes itself for the leader. Returns the holder. */
  async untilAllAgree(): Promise<Member> {
    return until('all see the same holder', AGREE_TIMEOUT_MS, async () => {
      const holder = await this.holder();
      const views = await Promise.all(this.members.map(viewOf));
      const agreed = views.every((view) => view === holder.identity);
      return agreed && this.members.every((member) => member.leading === (member === holder)) && holder;
    });
  }

  /** What is wrong, in plain words: Leasegate led while the Lease was validly another's. */
  findings(): string[] {
    const ours = new Set(this.scene.replicas.map(({ identity }) => identity));
    const foreignHolds = this.witness.holds().filter(({ name }) => !ours.has(name));
    return checkHistory([...this.scene.replicas.map((replica) => replica.claimant()), ...foreignHolds]);
  }

  /** Where others took themselves for the leader, and did beyond their right, while somebody else led: theirs to mend. */
  foreignOverlaps(): string[] {
    const { replicas, electors } = this.scene;
    return electors.flatMap((elector) =>
      [...replicas, ...electors]
        .filter((rival) => rival !== elector)
        .flatMap((rival) => overlaps([elector.printed(), rival.claimant()]))
        .map(({ forMs }) => `${elector.name} for ${Math.round(forMs)} ms`),
    );
  }

  async #kubeconfig(identity: string): Promise<string> {
    const { scene } = this;
    const path = join(dirname(scene.tokenFile(identity)), `${identity}.kubeconfig`);
    const token = await scene.tokenFor(identity);
    await writeFile(scene.tokenFile(identity), token);
    return scene.controlPlane.kubeconfigFor({ path, token, namespace: scene.namespace });
  }
}

/** Whom a member takes for the holder; null when it can't be asked just now. */
async function viewOf(member: Member): Promise<string | null> {
  if (member instanceof Elector) return member.leader;
  // A replica that goes on after a pause closes connections that were idle for too long, one that is being used included.
  const answer = await member.api.get('/leader').catch(() => null);
  return answer?.json.leader?.identity ?? null;
}

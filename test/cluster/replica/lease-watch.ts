import type { ControlPlane } from '../support/control-plane.ts';
import { monoOfWall } from './clock.ts';
import { type Claimant, merge } from './history.ts';
import { type ApiObject, type ObjectEvent, ObjectWatch } from './object-watch.ts';
import { until } from './until.ts';

/** What a Lease was, from the moment that one write was done until the next. */
export interface LeaseVersion {
  /** When this process learnt of it: a little later than it was so. */
  readonly atMs: number;
  readonly revision: number;
  /** Empty when nobody holds it. */
  readonly holder: string;
  /** The writer's renewTime, on the monotonic clock: all writers share the machine. A little earlier than it was so. */
  readonly renewedMs: number;
  readonly expiryMs: number;
  /** As the API server sent it. */
  readonly spec: LeaseSpec;
}

interface Lease extends ApiObject {
  readonly spec: LeaseSpec;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** An uninvolved witness of one Lease: what it was, version by version. */
export class LeaseWatch {
  readonly versions: LeaseVersion[] = [];
  #watch: ObjectWatch<Lease> | undefined;
  #deleted = false;

  /** Resolves once the API server tells of changes. */
  static async open(controlPlane: ControlPlane, leasePath: string): Promise<LeaseWatch> {
    const [, collection, name] = /^(.*)\/([^/]+)$/.exec(leasePath)!;
    const witness = new LeaseWatch();
    const path = `${collection}?fieldSelector=metadata.name%3D${name}`;
    witness.#watch = await ObjectWatch.open<Lease>(controlPlane, path, (event) => witness.#take(event));
    return witness;
  }

  private constructor() {}

  /** @throws Error when it has missed something */
  close(): void {
    this.#watch?.close();
    const broken = this.#deleted ? 'it was deleted' : this.#watch?.broken;
    if (broken) throw new Error(`The Lease was not seen to the end: ${broken}`);
  }

  /** Waits until a version is this one's, and so all versions before it were seen. */
  async untilHeldBy(holder: string, timeoutMs = 10_000): Promise<void> {
    await until(`the witness sees ${holder}`, timeoutMs, () =>
      this.versions.some((version) => version.holder === holder),
    );
  }

  /** @throws Error when it never was this one's, or nobody's if it is empty */
  lastVersionOf(holder: string): LeaseVersion {
    const version = this.versions.findLast((each) => each.holder === holder);
    if (version === undefined) throw new Error(`The Lease was never held by "${holder}"`);
    return version;
  }

  /** The moment of a holder's last renewal up to a moment, if there is one. */
  lastRenewalMs(holder: string, byMs: number): number | undefined {
    return this.versions.findLast((version) => version.holder === holder && version.renewedMs <= byMs)?.renewedMs;
  }

  /**
   * When the Lease validly was whose: from each version until it expires, or is followed by the next. As short as what was seen
   * allows, and so nothing to hold against anybody wrongly.
   */
  holds(): Claimant[] {
    const holders = new Set(this.versions.map(({ holder }) => holder).filter((holder) => holder !== ''));
    return [...holders].map((name) => {
      const windows = this.versions.flatMap(({ holder, atMs, expiryMs }, index) => {
        if (holder !== name) return [];
        const next = this.versions[index + 1];
        const nextMs = next?.holder === name ? next.atMs : next?.renewedMs;
        return [{ fromMs: atMs, untilMs: Math.min(expiryMs, nextMs ?? Infinity) }];
      });
      return { name, windows: merge(windows), grants: [] };
    });
  }

  #take({ atMs, revision, gone, object: { spec } }: ObjectEvent<Lease>): void {
    if (gone) {
      this.#deleted = true;
      return;
    }
    const renewedMs = spec.renewTime === undefined ? -Infinity : monoOfWall(Date.parse(spec.renewTime));
    this.versions.push({
      atMs,
      revision,
      holder: spec.holderIdentity ?? '',
      renewedMs,
      expiryMs: renewedMs + (spec.leaseDurationSeconds ?? 0) * 1_000,
      spec,
    });
  }
}

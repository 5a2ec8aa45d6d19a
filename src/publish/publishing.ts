import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Random, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { PublisherName, PublishMetrics } from '../ports/publish-metrics.ts';
import type { EndpointSlicePort, PodsPort } from '../ports/publisher.ts';
import type { SliceNames } from './endpoint-slice.ts';
import { electionKey, sliceName } from './names.ts';
import { PodsTarget } from './pods-target.ts';
import { Publisher } from './publisher.ts';
import { PublishReporter, type ReporterOptions } from './reporter.ts';
import { SliceTarget } from './slice-target.ts';
import type { Target } from './target.ts';

export interface PublishingOptions {
  readonly publishers: readonly PublisherName[];
  readonly lease: { readonly namespace: string; readonly name: string };
  /** `ip` is not null with `endpointslice`. */
  readonly pod: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly ip: string | null;
  };
  /** Not null with `endpointslice`. */
  readonly service: string | null;
  readonly resyncMs: number;
  readonly pods: PodsPort;
  readonly slices: (names: SliceNames) => EndpointSlicePort;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: PublishMetrics;
  readonly announce: ReporterOptions['announce'];
}

/** What is under way until it is closed. */
export interface Publishing {
  /** Asks nothing more. What is published stays; a term that ends undoes it before. */
  close(): void;
}

/** Publishes what this replica is, and follows its leadership from there on. */
export function publish(options: PublishingOptions): Publishing {
  const { resyncMs, leadership, clock, timers, random, log, metrics, announce } = options;
  const reporter = new PublishReporter({ clock, log, metrics, announce });
  const publishing = targetsOf(options).map(
    (target) => new Publisher({ target, leadership, clock, timers, random, reporter, resyncMs }),
  );
  for (const publisher of publishing) publisher.start();
  return {
    close() {
      for (const publisher of publishing) publisher.close();
    },
  };
}

function targetsOf({ publishers, lease, pod, service, pods, slices }: PublishingOptions): Target[] {
  const election = electionKey({ lease, namespace: pod.namespace });
  const targets: Target[] = [];
  const ofPods = publishers.filter((publisher) => publisher !== 'endpointslice');
  if (ofPods.length > 0) targets.push(new PodsTarget({ pods, own: pod, lease, election, publishers: ofPods }));
  if (publishers.includes('endpointslice') && service !== null && pod.ip !== null) {
    const names = { slice: sliceName(service, election), service, election };
    const own = { namespace: pod.namespace, pod: pod.name, podUid: pod.uid, ip: pod.ip };
    targets.push(new SliceTarget({ slices: slices(names), own, names }));
  }
  return targets;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { Relay } from '../replica/relay.ts';
import { BRISK, type Replica } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { Application, amiss } from './application.ts';
import { type Asked, Clients } from './clients.ts';

onControlPlane();

const CLIENTS = 12;

/** A replica with its application and its own loopback address, as pods have theirs. */
interface Pod {
  readonly replica: Replica;
  readonly application: Application;
  readonly relay: Relay;
  /** Where the Service sends to; null from the moment when the pod is told to stop. */
  endpoint: string | null;
}

interface Setup {
  readonly protocol?: 'http' | 'tcp';
  readonly standby: 'refuse' | 'forward';
  readonly count: number;
  /** Of its clients. */
  readonly patienceMs: number;
}

/** Longer than any hand-over takes, and for those whose leader is stopped, who must turn elsewhere. */
const PATIENT_MS = 30_000;
const IMPATIENT_MS = 2_000;

/** A Deployment of replicas with gateways, behind a Service with clients. */
class Service {
  readonly pods: Pod[] = [];
  readonly applications: Application[] = [];
  readonly clients: Clients;
  readonly #scene: Scene;
  readonly #setup: Setup;
  #addresses = 10;

  static async start(scene: Scene, setup: Setup): Promise<Service> {
    const service = new Service(scene, setup);
    await scene.shipLease();
    for (let index = 0; index < setup.count; index += 1) await service.add();
    await scene.untilLeader();
    service.clients.start(CLIENTS);
    service.clients.startStream();
    return service;
  }

  private constructor(scene: Scene, setup: Setup) {
    const { patienceMs } = setup;
    this.clients = new Clients(() => this.pods.flatMap(({ endpoint }) => endpoint ?? []), patienceMs);
    this.#scene = scene;
    this.#setup = setup;
  }

  async add(): Promise<Pod> {
    const ip = `127.0.1.${this.#addresses++}`;
    const { standby, protocol = 'http' } = this.#setup;
    const application = await Application.start(`application-${ip}`, protocol);
    this.applications.push(application);
    const relay = await Relay.open(this.#scene.controlPlane.ports.apiServer);
    const tcp = protocol === 'tcp' ? ['--gateway-protocol', 'tcp', '--gateway-proxy-protocol', 'true'] : [];
    const forward = standby === 'forward' ? ['--gateway-peer-listen', `${ip}:4042`] : [];
    const replica = await this.#scene.startReplica({
      server: relay.url,
      env: { POD_IP: ip },
      args: [
        ...['--gateway-listen', `${ip}:8080`, '--gateway-target', application.address],
        // The stream never ends by itself.
        ...['--gateway-standby', standby, '--gateway-drain', '2s', ...forward, ...tcp],
      ],
    });
    await replica.untilWatching(30_000);
    const pod = { replica, application, relay, endpoint: `${ip}:8080` };
    this.pods.push(pod);
    return pod;
  }

  podOf(replica: Replica): Pod {
    return this.pods.find((pod) => pod.replica === replica)!;
  }

  /** The leader is told to end; the Service sends it nothing more, as for a pod that terminates. */
  async terminate(leader: Replica): Promise<void> {
    const pod = this.podOf(leader);
    pod.endpoint = null;
    leader.terminate();
    await this.#replaced(pod);
  }

  async kill(leader: Replica): Promise<void> {
    const pod = this.podOf(leader);
    leader.kill();
    pod.endpoint = null;
    await this.#replaced(pod);
  }

  async #replaced(pod: Pod): Promise<void> {
    await pod.replica.closed();
    pod.relay.close();
    this.pods.splice(this.pods.indexOf(pod), 1);
    await this.add();
  }

  async close(): Promise<void> {
    await this.clients.stop();
    for (const { relay } of this.pods) relay.close();
    for (const application of this.applications) application.close();
  }

  /** Requests that were not answered 200 by the application. */
  lost(sinceMs = 0): Asked[] {
    return this.clients.log.filter(({ sentMs, status }) => sentMs >= sinceMs && status !== 200);
  }
}

function play(claim: string, setup: Setup, act: (service: Service, scene: Scene) => Promise<void>): void {
  scenario(claim, { timings: BRISK, timeoutMs: 240_000, askEveryMs: 25 }, async (scene) => {
    const service = await Service.start(scene, setup);
    try {
      await act(service, scene);
    } finally {
      await service.close();
    }
    const { log, pieces } = service.clients;
    const answered = log.filter(({ status }) => status === 200).length;
    console.log(`${claim}: ${log.length} requests, ${answered} answered 200`);
    expect(answered).toBeGreaterThan(100);
    expect(amiss(service.applications, pieces)).toEqual([]);
    expect(pieces.length).toBeGreaterThan(100);
  });
}

/** Resolves when another one leads and its application has been given work. */
async function untilServedBy(service: Service, scene: Scene, before: Replica): Promise<void> {
  const next = await until('another one leads', 30_000, () =>
    scene.replicas.find((replica) => replica !== before && replica.leading),
  );
  const { application } = service.podOf(next);
  const { length } = application.log;
  await until('its application serves', 10_000, () => application.log.length > length);
}

/** A leader that can't renew; it goes on when another one serves. */
async function cutOff(service: Service, scene: Scene): Promise<void> {
  const leader = await scene.untilLeader();
  const { relay } = service.podOf(leader);
  relay.goSilent();
  await untilServedBy(service, scene, leader);
  await relay.mend();
  await leader.untilWatching(30_000);
}

async function stopAndContinue(service: Service, scene: Scene): Promise<void> {
  const leader = await scene.untilLeader();
  leader.pause();
  await untilServedBy(service, scene, leader);
  leader.resume();
  await leader.untilWatching(30_000);
}

async function stepDown(service: Service, scene: Scene): Promise<void> {
  const leader = await scene.untilLeader();
  await leader.api.post('/step-down');
  await untilServedBy(service, scene, leader);
}

describe('during 20 fail-overs under load no two applications ever serve at one time', () => {
  play(
    'three replicas that refuse, killed, stopped, cut off and handed over',
    { standby: 'refuse', count: 3, patienceMs: IMPATIENT_MS },
    async (service, scene) => {
      for (let round = 0; round < 3; round += 1) {
        await stepDown(service, scene);
        await service.terminate(await scene.untilLeader());
        await service.kill(await scene.untilLeader());
        await stopAndContinue(service, scene);
        await cutOff(service, scene);
      }
    },
  );

  play(
    'two replicas that forward, killed, stopped, cut off and handed over',
    { standby: 'forward', count: 2, patienceMs: IMPATIENT_MS },
    async (service, scene) => {
      for (let round = 0; round < 2; round += 1) {
        await cutOff(service, scene);
        await stopAndContinue(service, scene);
        await service.kill(await scene.untilLeader());
        await service.terminate(await scene.untilLeader());
      }
    },
  );
});

play(
  'two replicas that forward connections, killed, stopped, cut off and handed over',
  { protocol: 'tcp', standby: 'forward', count: 2, patienceMs: IMPATIENT_MS },
  async (service, scene) => {
    await stepDown(service, scene);
    await cutOff(service, scene);
    await stopAndContinue(service, scene);
    await service.kill(await scene.untilLeader());
    await service.terminate(await scene.untilLeader());
  },
);

play(
  'with forwarding, a graceful hand-over loses no request',
  { standby: 'forward', count: 3, patienceMs: PATIENT_MS },
  async (service, scene) => {
    for (let round = 0; round < 3; round += 1) {
      await stepDown(service, scene);
      await service.terminate(await scene.untilLeader());
    }
    await sleep(500);
    expect(service.lost()).toEqual([]);
  },
);

play(
  'with forwarding, a kill loses what was under way, and what came before the expiry',
  { standby: 'forward', count: 3, patienceMs: PATIENT_MS },
  async (service, scene) => {
    const leader = await scene.untilLeader();
    const killedMs = monoMs();
    await service.kill(leader);
    const next = await scene.untilLeader();
    const ledMs = next.events.find(({ change, atMs }) => change === 'started' && atMs > killedMs)!.atMs;
    await sleep(1_000);
    const lost = service.lost();
    expect(lost.filter(({ endedMs }) => endedMs < killedMs)).toEqual([]);
    // A request that another replica learnt of the new leader too late for has some milliseconds.
    expect(lost.filter(({ sentMs }) => sentMs > ledMs + 500)).toEqual([]);
  },
);

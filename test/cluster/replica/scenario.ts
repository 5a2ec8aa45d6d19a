import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../support/control-plane.ts';
import type { Timings } from './replica.ts';
import { Scene } from './scene.ts';

const artifacts = resolve(import.meta.dirname, '../../../.artifacts/cluster');

let controlPlane: ControlPlane;
let scenes = 0;

/** Starts a control plane for the scenarios of this file, and ends it after them. */
export function onControlPlane(options: ControlPlaneOptions = {}): void {
  beforeAll(async () => {
    controlPlane = await startControlPlane({ audit: true, ...options });
  });
  afterAll(() => controlPlane?.close());
}

export interface ScenarioOptions {
  readonly timings: Timings;
  /** Time between two questions to each replica. Default: 12 ms. */
  readonly askEveryMs?: number;
  readonly timeoutMs?: number;
}

/**
 * A claim about an election, and the play that shows it. Whatever else the play asserts, its history must prove that no two
 * claimants led at once and that tokens only grew. The history of a failure is kept in `.artifacts/cluster`.
 */
export function scenario(claim: string, options: ScenarioOptions, play: (scene: Scene) => Promise<void>): void {
  test(claim, { timeout: options.timeoutMs ?? 120_000 }, async () => {
    scenes += 1;
    const scene = await Scene.open({
      controlPlane,
      leasegate: inject('leasegate'),
      namespace: `scene-${scenes}`,
      timings: options.timings,
      askEveryMs: options.askEveryMs ?? 12,
    });
    try {
      await play(scene);
      await scene.close();
      expect(scene.findings()).toEqual([]);
      console.log(`${claim}: ${scene.summary()}`);
    } catch (error) {
      await scene.close();
      await keep(claim, scene, error);
      throw error;
    }
  });
}

async function keep(claim: string, scene: Scene, error: unknown): Promise<void> {
  await mkdir(artifacts, { recursive: true });
  const file = join(artifacts, `${claim.replaceAll(/[^a-zA-Z0-9]+/g, '-').slice(0, 80)}.json`);
  await writeFile(file, JSON.stringify({ claim, error: String(error), ...(await scene.record()) }, null, 1));
  console.error([`${claim}: ${scene.summary()}`, ...scene.findings(), `Its history is in ${file}`].join('\n'));
}

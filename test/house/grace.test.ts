import { readdirSync } from 'node:fs';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { filesIn } from './files.fixture.ts';

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds?: number;
        readonly containers: readonly { lifecycle?: { preStop: { exec: { command: readonly string[] } } } }[];
      };
    };
  };
}

const KUBERNETES_DEFAULT_S = 30;
/** For telling everybody and releasing the Lease: docs/shutdown.md. */
const SHUTDOWN_S_MAX = 10;
const DRAIN_S_MAX = 10;

describe.each(readdirSync('deploy/examples'))('the example %s', (name) => {
  const { text } = filesIn(`deploy/examples/${name}`, ['deployment.yaml'])[0]!;
  const { terminationGracePeriodSeconds: graceS = KUBERNETES_DEFAULT_S, containers } = (load(text) as Deployment).spec
    .template.spec;
  const hook = containers.flatMap(({ lifecycle }) => lifecycle?.preStop.exec.command.at(-1) ?? []).join('\n');

  test('asks its sidecar for no longer than it says', () => {
    expect(hook.match(/\bwget\b/g)?.length ?? 0).toBe(hook.match(/\btimeout \d+ wget\b/g)?.length ?? 0);
  });

  test('has the time that its hook and the end of its sidecar may take', () => {
    const hookS = [...hook.matchAll(/\b(?:timeout|sleep) (\d+)/g)].reduce(
      (sum, [, seconds]) => sum + Number(seconds),
      0,
    );
    expect(hookS + (name === 'gateway' ? DRAIN_S_MAX : 0) + SHUTDOWN_S_MAX).toBeLessThanOrEqual(graceS);
  });
});

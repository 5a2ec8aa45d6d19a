import { rm, writeFile } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import { monoMs } from './replica/clock.ts';
import { isHigherToken } from './replica/history.ts';
import { BRISK, STANDARD } from './replica/replica.ts';
import { shippedRules, withoutVerb } from './replica/role.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { until } from './replica/until.ts';
import { tokenCacheSeconds, tokenLeewaySeconds } from './support/tokens.ts';

onControlPlane();

describe.concurrent('permissions and credentials, at the same time', () => {
  scenario('the right to write is taken away and given back', { timings: BRISK }, async (scene) => {
    await scene.shipLease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const rules = await shippedRules(scene.leaseName);
    const before = leader.fencingToken;
    const takenMs = monoMs();
    await scene.setRules(withoutVerb(rules, 'leases', 'update'));
    const stopped = await leader.untilLogged('NOT_LEADING', 5_000, takenMs);
    expect(stopped.reason).toBe('expired');
    await until('others have tried in vain', 15_000, () => {
      return scene.standbys().every((replica) => replica.logged('API_FORBIDDEN').length > 0);
    });
    expect(scene.replicas.some(({ leading }) => leading)).toBe(false);
    expect(await leader.api.metric('leasegate_renewal_failures_total', 'reason="forbidden"')).toBeGreaterThan(1);
    for (const replica of scene.replicas) {
      expect(await replica.api.metric('leasegate_api_requests_total', 'outcome="forbidden"')).toBeGreaterThan(0);
      // One line, however many attempts, with the rule that would help.
      const forbidden = replica.logged('API_FORBIDDEN');
      expect(forbidden.map(({ verb }) => verb)).toEqual(['update leases']);
      expect(forbidden[0]!.remedy).toContain(
        '{"apiGroups":["coordination.k8s.io"],"resources":["leases"],"resourceNames":["app"],"verbs":["get","list","watch","update"]}',
      );
    }
    await scene.setRules(rules);
    const next = await scene.untilLeader(8_000);
    await next.untilLogged('API_RECOVERED', 5_000);
    expect(isHigherToken(next.fencingToken, before)).toBe(true);
  });

  scenario(
    'without the right to write Events, none are written and nothing is said',
    { timings: BRISK },
    async (scene) => {
      const rules = await shippedRules(scene.leaseName);
      await scene.setRules(rules.filter(({ resources }) => !resources.includes('events')));
      await scene.shipLease();
      await scene.startReplicas(1);
      const leader = await scene.untilLeader();
      await until('the Event was refused', 5_000, async () => {
        return (await leader.api.metric('leasegate_events_dropped_total', 'reason="forbidden"')) === 1;
      });
      await leader.leave();
      expect(leader.log.filter(({ level }) => level > 30)).toEqual([]);
      expect(leader.exitCode).toBe(0);
    },
  );

  scenario(
    'the leader’s token expires: it stops, and comes back with a fresh one',
    { timings: STANDARD },
    async (scene) => {
      await scene.shipLease();
      const podName = 'short-lived';
      const token = scene.controlPlane.mintToken({
        namespace: scene.namespace,
        serviceAccount: podName,
        serviceAccountUid: await scene.serviceAccountUid(podName),
        expiresInSeconds: 12 - tokenLeewaySeconds,
      });
      const leader = await scene.startLeader({ podName, token });
      await scene.startReplicas(2);
      const stopped = await leader.untilLogged('NOT_LEADING', (12 + tokenCacheSeconds + 10 + 5) * 1_000);
      expect(stopped.reason).toBe('expired');
      const renewal = leader.logged('API_UNAUTHORIZED').filter(({ verb }) => verb === 'update leases');
      expect(renewal).toHaveLength(1);
      expect(renewal[0]!.remedy).toContain('token');
      const next = await scene.untilLeader(10_000);
      expect(next).not.toBe(leader);

      const freshMs = monoMs();
      await writeFile(scene.tokenFile(podName), await scene.tokenFor(podName));
      // Its watch may have outlived the token; to write is what it could not do any more.
      await leader.untilWatching(60_000);
      for (const standby of scene.standbys()) if (standby !== leader) await standby.leave();
      const leftMs = await next.leave();
      await leader.untilEvent('started', 10_000, leftMs);
      expect((await leader.untilLogged('API_RECOVERED', 5_000, freshMs)).was).toBe('unauthorized');
      expect(leader.running).toBe(true);
    },
  );

  scenario('a token rotated in time is taken up, and nobody notices', { timings: BRISK }, async (scene) => {
    await scene.shipLease();
    const podName = 'rotated';
    const lastsSeconds = 15;
    const token = scene.controlPlane.mintToken({
      namespace: scene.namespace,
      serviceAccount: podName,
      serviceAccountUid: await scene.serviceAccountUid(podName),
      expiresInSeconds: lastsSeconds - tokenLeewaySeconds,
    });
    const mintedMs = monoMs();
    const leader = await scene.startLeader({ podName, token });
    await writeFile(scene.tokenFile(podName), await scene.tokenFor(podName));
    const goneMs = mintedMs + (lastsSeconds + tokenCacheSeconds + 2) * 1_000;
    await until('the first token is worth nothing any more', 40_000, () => monoMs() > goneMs);
    expect(leader.leading).toBe(true);
    expect(leader.log.filter(({ level }) => level > 30)).toEqual([]);
    expect(leader.logged('LEADING')).toHaveLength(1);
  });

  scenario('a token file that is gone leaves the last token in use', { timings: STANDARD }, async (scene) => {
    await scene.shipLease();
    const leader = await scene.startLeader();
    const file = scene.tokenFile(leader.podName);
    await rm(file);
    const unreadable = await leader.untilLogged('CREDENTIALS_UNREADABLE', 15_000);
    // Longer than any token that was read may go unread.
    await until('fifteen seconds have passed', 20_000, () => monoMs() - unreadable.atMs > 15_000);
    expect(leader.leading).toBe(true);
    expect(leader.logged('CREDENTIALS_UNREADABLE')).toHaveLength(1);
    await writeFile(file, await scene.tokenFor(leader.podName));
    await leader.untilLogged('CREDENTIALS_READABLE', 15_000);
    expect(leader.logged('NOT_LEADING')).toEqual([]);
  });
});

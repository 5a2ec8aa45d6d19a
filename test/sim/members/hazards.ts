import type { Hazard } from '../hazards.ts';

/** Mistakes of heartbeats and of their collection: the API server's own, and what was feared or found here. */
export const MEMBER_HAZARDS: readonly Hazard[] = [
  {
    code: 'M1',
    what: 'a Lease is collected although it is not the heartbeat that was timed',
    edits: [{ file: 'src/members/collection.ts', from: 'if (!stood || !state.dead.has', to: 'if (!state.dead.has' }],
  },
  {
    code: 'M2',
    what: 'a Lease is collected whatever was written since it was read (kube-apiserver’s own)',
    edits: [
      {
        file: 'src/kube/object-outcome.ts',
        from: "kind: 'DeleteOptions', preconditions };",
        to: "kind: 'DeleteOptions', preconditions: preconditions.uid === '' ? {} : undefined };",
      },
    ],
  },
  {
    code: 'M3',
    what: 'heartbeats are timed by what is written in them, against the own wall clock',
    edits: [
      {
        file: 'src/members/observer.ts',
        from: '? { lease, seenMonoMs: nowMonoMs, seenListenedMs: this.#listenedMs, alive: true, confirmed: same }',
        to: `? {
          lease,
          seenMonoMs: nowMonoMs,
          seenListenedMs: this.#listenedMs + Math.min(0, Date.parse(lease.renewTime ?? '') - (globalThis as unknown as { wallMs: () => number }).wallMs()),
          alive: true,
          confirmed: same,
        }`,
      },
      {
        file: 'src/members/roster.ts',
        from: 'const changes = this.#observer.observe(event, clock.now().monoMs);',
        to: 'Object.assign(globalThis, { wallMs: () => clock.now().wallMs });\n    const changes = this.#observer.observe(event, clock.now().monoMs);',
      },
    ],
  },
  {
    code: 'M4',
    what: 'the silence of the own watch counts as that of all members',
    edits: [
      {
        file: 'src/members/observer.ts',
        from: 'const SILENCE_DURATIONS_MAX = 3 / 8;',
        to: 'const SILENCE_DURATIONS_MAX = 1e9;',
      },
    ],
  },
  {
    code: 'M5',
    what: 'of two processes of one name the older one takes the Lease back',
    edits: [
      {
        file: 'src/members/heartbeat.ts',
        from: "if (ours || lease.holder === '' || isPredecessors(lease, draft)) return;",
        to: 'if (!ours || ours) return;',
      },
    ],
  },
  {
    code: 'M6',
    what: 'after a request that failed the next heartbeat is an interval away',
    edits: [
      {
        file: 'src/members/heartbeat.ts',
        from: 'backOff(draft, failure.retryAfterMs ?? 0, now);',
        to: 'draft.dueMonoMs = now.monoMs + jittered(draft.config.intervalMs, now) + 0 * (failure.retryAfterMs ?? 0);',
      },
    ],
  },
  {
    code: 'M7',
    what: 'after failures in a row the next attempt is further away than a short interval',
    edits: [
      {
        file: 'src/members/heartbeat.ts',
        from: 'Math.min(BACKOFF_MS_MAX, draft.config.intervalMs)',
        to: 'Math.max(BACKOFF_MS_MAX, 0 * draft.config.intervalMs)',
      },
    ],
  },
  {
    code: 'M8',
    what: 'the older of two processes takes the Lease from one that has just renewed after all',
    edits: [
      {
        file: 'src/members/heartbeat.ts',
        from: "  draft.phase = 'beating';\n}",
        to: "  draft.phase = 'beating';\n  draft.established = false;\n}",
      },
    ],
  },
  {
    code: 'M9',
    what: 'members are taken for dead, and collected, after a part of their duration',
    edits: [
      {
        file: 'src/members/observer.ts',
        from: 'return member.seenListenedMs + this.#durationMs(member);',
        to: 'return member.seenListenedMs + this.#durationMs(member) / 4;',
      },
    ],
  },
  {
    code: 'M10',
    what: 'a dead Lease is left after the first attempt to collect it that fails',
    edits: [
      {
        file: 'src/members/collection.ts',
        from: 'const later = postponed(done, pending.dead, now);',
        to: "const later = outcome.code === 'forbidden' ? postponed(done, pending.dead, now) : unmark(done, lease.name);",
      },
    ],
  },
  {
    code: 'M11',
    what: 'two heartbeats at one reading of the wall clock look like one',
    edits: [
      {
        file: 'src/members/heartbeat.ts',
        from: 'renewTime: freshRenewTime(now, [base?.renewTime ?? null, sentRenewTime]),',
        to: 'renewTime: freshRenewTime({ ...now, wallMs: now.wallMs - (now.wallMs % 3_600_000) }, sentRenewTime === null ? [] : []),',
      },
    ],
  },
  {
    code: 'M12',
    what: 'what has a lower version than what is known is taken for outdated, although etcd was restored',
    edits: [
      {
        file: 'src/members/observer.ts',
        from: '    const same = before !== undefined && before.lease.uid === lease.uid;\n',
        to: '    const same = before !== undefined && before.lease.uid === lease.uid;\n    if (same && Number(lease.resourceVersion) < Number(before.lease.resourceVersion)) return;\n',
      },
    ],
  },
];

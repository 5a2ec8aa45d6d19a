/**
 * A known mistake of leader electors, put back into a copy of the sources by replacing a piece of text that must be there
 * exactly once. The product has no switch for any of them.
 */
export interface Hazard {
  readonly code: string;
  readonly what: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

const OWN_BY_NAME = {
  file: 'src/election/sighting.ts',
  from: 'return record.holder === config.identity && sentRenewTimes.some((time) => time === record.renewTime);',
  to: 'return record.holder === config.identity;',
};

/** H: client-go's, as its issues and sources show them. R: found in this project. */
export const HAZARDS: readonly Hazard[] = [
  {
    code: 'H1',
    what: 'the deadline counts from the acknowledgement instead of from before the request was sent',
    edits: [
      {
        file: 'src/election/replies.ts',
        from: 'validity: validityOf(request.sentAt, draft.config.timings),',
        to: 'validity: validityOf(now, draft.config.timings),',
      },
    ],
  },
  {
    code: 'H2',
    what: 'the Lease is released before the work has stopped',
    edits: [
      {
        file: 'src/runner/runner.ts',
        from: 'void stopWork(leadership, { graceful, reason, untilMonoMs }, this.#options)',
        to: 'void stopWork(leadership, { graceful, reason, untilMonoMs }, this.#options);\n    void Promise.resolve()',
      },
    ],
  },
  {
    code: 'H3',
    what: 'a release replaces whatever holder a fresh read shows',
    edits: [
      {
        file: 'src/election/act.ts',
        from: 'if (!isOurs(sighting.record, draft) && !isFreedAnyway) {',
        to: "if (holder === '') {",
      },
    ],
  },
  {
    code: 'H4',
    what: 'a leader that sees another holder goes on until its deadline',
    edits: [
      {
        file: 'src/election/tenure.ts',
        from: "if (record.holder !== draft.config.identity) return lose(draft, 'taken-over');",
        to: 'if (record.holder !== draft.config.identity) return;',
      },
    ],
  },
  {
    code: 'H5',
    what: 'a missing Lease is created at once, although its last holder may be at work',
    edits: [
      {
        file: 'src/election/sighting.ts',
        from: 'claimableAtMonoMs: Math.max(now.monoMs + waitMs, formerMonoMs)',
        to: 'claimableAtMonoMs: Math.max(now.monoMs + 0 * waitMs, formerMonoMs)',
      },
      {
        file: 'src/election/sighting.ts',
        from: 'const claimableMonoMs = claimableAtMonoMs(sight(before, record, known.config, now, true), known);',
        to: 'const claimableMonoMs = Math.min(now.monoMs, claimableAtMonoMs(sight(before, record, known.config, now), known));',
      },
    ],
  },
  {
    code: 'H6',
    what: 'two processes use one identity, and each takes the records under it for its own',
    edits: [
      OWN_BY_NAME,
      {
        file: 'src/election/identity.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of source text
        from: 'return `${podName}_${podUid}_${start}`;',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of source text
        to: 'return `${podName}`.slice(0, podUid.length + start.length);',
      },
    ],
  },
  {
    code: 'H7',
    what: 'renewal times are whole seconds: two renewals within one second look like none',
    edits: [
      {
        file: 'src/election/content.ts',
        from: 'let micros = Math.round(now.wallMs * 1_000);',
        to: 'return formatMicroTime(Math.floor(now.wallMs / 1_000) * 1e6);\n  let micros = Math.round(now.wallMs * 1_000);',
      },
    ],
  },
  {
    code: 'H8',
    what: 'an acquisition keeps the acquireTime of the term before',
    edits: [
      {
        file: 'src/election/content.ts',
        from: `    acquireTime: time,
    transitions: Math.min(`,
        to: `    acquireTime: record?.acquireTime ?? time,
    transitions: Math.min(`,
      },
    ],
  },
  {
    code: 'H9',
    what: 'whoever was the leader is the leader, without an expiry',
    edits: [
      {
        file: 'src/election/timing.ts',
        from: 'return Math.max(0, validity.validUntilMonoMs - now.monoMs);',
        to: 'return Math.max(1, validity.validUntilMonoMs - now.monoMs);',
      },
    ],
  },
  {
    code: 'H10',
    what: 'a creation that failed leaves an empty object behind, which is then written',
    edits: [
      {
        file: 'src/election/replies.ts',
        from: '  if (request.baseVersion === null) draft.sighting = doubt(draft.sighting);',
        to: `  if (request.baseVersion === null) {
    const raw = { metadata: { name: 'lease', namespace: 'sim' } };
    const empty = { uid: '', resourceVersion: '', holder: '', leaseDurationMs: 0, renewTime: null, acquireTime: null };
    const said = { preferredHolder: '', holderAddress: null, holderPriority: null, nextHolder: '', challenger: null };
    const record = { ...empty, ...said, transitions: 0, raw };
    const times = { sinceMonoMs: now.monoMs, termSinceMonoMs: now.monoMs, formerUntilMonoMs: 0 };
    draft.sighting = { kind: 'present', record, rewind: null, ...times };
  }`,
      },
    ],
  },
  {
    code: 'H11',
    what: 'a lease duration below a second is cut down to whole seconds: to nothing',
    edits: [
      {
        file: 'src/election/content.ts',
        from: `    leaseDurationSeconds: config.timings.leaseDurationMs / 1_000,
    renewTime: time,`,
        to: `    leaseDurationSeconds: Math.floor(config.timings.leaseDurationMs / 1_000),
    renewTime: time,`,
      },
      {
        file: 'src/election/state.ts',
        from: 'assertTimings(config.timings);',
        to: 'void assertTimings;',
      },
      {
        file: 'test/sim/timings.ts',
        from: '{ leaseDurationMs: 2_000, renewDeadlineMs: 1_300, renewIntervalMs: 300, retryPeriodMs: 300 },',
        to: '{ leaseDurationMs: 500, renewDeadlineMs: 300, renewIntervalMs: 100, retryPeriodMs: 100 },',
      },
    ],
  },
  {
    code: 'H12',
    what: "a standby times the record with its own duration instead of the record's",
    edits: [
      {
        file: 'src/election/sighting.ts',
        from: 'return record.leaseDurationMs > 0 ? record.leaseDurationMs : config.timings.leaseDurationMs;',
        to: 'return record.leaseDurationMs > 0 ? config.timings.leaseDurationMs : config.timings.leaseDurationMs;',
      },
    ],
  },
  {
    code: 'H13',
    what: "work belongs to the process instead of to the term: a new term begins while the old one's work still stops",
    edits: [
      {
        file: 'src/election/act.ts',
        from: '  if (draft.stoppingWork !== null) return;\n',
        to: '  if (draft.stoppingWork !== null && draft.desire !== "campaign") return;\n  draft.stoppingWork = null;\n',
      },
    ],
  },
  {
    code: 'R1',
    what: 'a missing Lease is waited for once, whatever happened while nobody looked',
    edits: [
      {
        file: 'src/election/sighting.ts',
        from: 'return 4 * config.timings.retryPeriodMs + 500;',
        to: 'return 4e9 * config.timings.retryPeriodMs + 500;',
      },
      {
        file: 'src/election/observe.ts',
        from: "return watching && sighting.kind === 'present' && !(sighting.rewind && now.monoMs < sighting.rewind.untilMonoMs);",
        to: 'return watching || now.monoMs < 0;',
      },
    ],
  },
  {
    code: 'R2',
    what: 'records under the own name are taken for own ones, although a clone of this process wrote them',
    edits: [OWN_BY_NAME],
  },
  {
    code: 'R3',
    what: 'a suspend that stopped the monotonic clock goes unnoticed',
    edits: [
      {
        file: 'src/election/timing.ts',
        from: 'return Math.abs(now.wallMs - basis.wallMs - (now.monoMs - basis.monoMs)) > toleranceMs;',
        to: 'return Math.abs(now.wallMs - basis.wallMs - (now.monoMs - basis.monoMs)) > 1e15 + toleranceMs;',
      },
    ],
  },
  {
    code: 'R4',
    what: 'a replica that gave up the Lease waits for nobody who may still trust its answers',
    edits: [
      {
        file: 'src/runner/runner.ts',
        from: 'if (!graceful || this.#immediate || trustedMs <= 0) return undefined;',
        to: 'if (!graceful || this.#immediate || trustedMs <= 1e15) return undefined;',
      },
    ],
  },
  {
    code: 'R5',
    what: 'an edit by hand on top of a renewal that is not answered yet is taken for the renewal',
    edits: [
      {
        file: 'src/election/tenure.ts',
        from: "if (!written || !sameTerm(known, record)) return lose(draft, 'lease-edited');",
        to: "if (!renewed && (!written || !sameTerm(known, record))) return lose(draft, 'lease-edited');",
      },
    ],
  },
  {
    code: 'R6',
    what: 'who asks the holder to give way writes the Lease as it saw it last, whatever was written since',
    edits: [
      {
        file: 'src/kube/codec.ts',
        from: 'return { ...object, metadata: { ...object.metadata, annotations } };',
        to: 'const { resourceVersion: _, ...metadata } = object.metadata;\n  return { ...object, metadata: { ...metadata, annotations } };',
      },
    ],
  },
  {
    code: 'R7',
    what: 'equals ask each other to give way',
    edits: [
      {
        file: 'src/election/campaign.ts',
        from: 'holderPriority >= priority',
        to: 'holderPriority > priority',
      },
      {
        file: 'src/election/tenure.ts',
        from: 'challenger.priority > effectivePriority(draft)',
        to: 'challenger.priority >= effectivePriority(draft)',
      },
    ],
  },
  {
    code: 'R8',
    what: 'a Lease that was handed over to somebody is left to that one for good',
    edits: [
      {
        file: 'src/election/campaign.ts',
        from: "record.nextHolder !== '' ? retryPeriodMs : 0",
        to: "record.nextHolder !== '' ? 1e9 : 0",
      },
    ],
  },
  {
    code: 'R9',
    what: 'an unhealthy application is taken for one that has ended: nobody waits for what it may still trust',
    edits: [
      {
        file: 'src/runner/runner.ts',
        from: 'if (!eligible && ended && handsOver) this.#hurry();',
        to: 'if (!eligible && handsOver) this.#hurry();',
      },
    ],
  },
  {
    code: 'R10',
    what: 'a replica whose application is not healthy leads all the same',
    edits: [
      {
        file: 'src/election/step.ts',
        from: "else beginHandOver(draft, 'unhealthy');",
        to: '',
      },
      {
        file: 'src/election/candidacy.ts',
        from: "return state.eligible || leadUnhealthy ? null : 'unhealthy';",
        to: 'return null;',
      },
    ],
  },
];

import type { Hazard } from '../hazards.ts';

/** Mistakes of electors that a controller chooses: client-go's, and those that were feared or made here. */
export const COORDINATED_HAZARDS: readonly Hazard[] = [
  {
    code: 'C1',
    what: 'whoever is named in the Lease leads at once, while the one who was displaced by wall clocks still does',
    edits: [
      {
        file: 'src/election/sighting.ts',
        from: 'return displaces ? present.sinceMonoMs + recordDurationMs(present.record, config) : Number.NEGATIVE_INFINITY;',
        to: 'return displaces ? Number.NEGATIVE_INFINITY : Number.NEGATIVE_INFINITY;',
      },
    ],
  },
  {
    code: 'C2',
    what: 'a leader goes on renewing although another one is preferred',
    edits: [
      {
        file: 'src/election/tenure.ts',
        from: "if (asksToGiveWay(record)) beginHandOver(draft, 'preferred-holder');",
        to: 'void asksToGiveWay;',
      },
    ],
  },
  {
    code: 'C3',
    what: 'a candidate does not answer when it is asked whether it lives',
    edits: [
      {
        file: 'src/coordinated/candidate.ts',
        from: 'return pingTime !== null && (renewTime === null || pingTime > renewTime);',
        to: 'return pingTime !== null && renewTime === null;',
      },
    ],
  },
  {
    code: 'C4',
    what: 'a candidate stays while its replica must not lead',
    edits: [
      {
        file: 'src/election/coordinated.ts',
        from: 'return handsOver || !campaigns(state) ? never : standAsideUntilMonoMs;',
        to: 'return handsOver ? never : standAsideUntilMonoMs;',
      },
    ],
  },
  {
    code: 'C5',
    what: 'a candidate is left behind by a process that ends',
    edits: [
      {
        file: 'src/coordinated/candidate.ts',
        from: "if (draft.phase === 'running') draft.phase = 'stopping';",
        to: "draft.phase = 'ended';",
      },
      {
        file: 'src/election/coordinated.ts',
        from: 'return handsOver || !campaigns(state) ? never : standAsideUntilMonoMs;',
        to: "return handsOver || !(campaigns(state) || state.desire === 'stop') ? never : standAsideUntilMonoMs;",
      },
    ],
  },
  {
    code: 'C6',
    what: 'a candidate stands for a Lease that has no field for a holder, and kube-apiserver crashes',
    edits: [
      {
        file: 'src/election/coordinated.ts',
        from: "if (sighting.kind === 'present' && sighting.record.holderUnset) return never;",
        to: '',
      },
      {
        file: 'src/election/coordinated.ts',
        from: 'return record.holderUnset ? campaigns(state) : record.holder',
        to: 'return record.holder',
      },
    ],
  },
  {
    code: 'C7',
    what: 'the Lease is left to its controller by whom it names while another one is preferred',
    edits: [
      {
        file: 'src/election/coordinated.ts',
        from: 'return record.holderUnset ? campaigns(state) : record.holder === config.identity && asksToGiveWay(record);',
        to: 'return record.holderUnset === true && campaigns(state);',
      },
    ],
  },
  {
    code: 'C8',
    what: 'who gave way stands as before, and leadership goes round among candidates of one second',
    edits: [
      {
        file: 'src/election/coordinated.ts',
        from: "stoppingWork === 'step-down' || stoppingWork === 'preferred-holder' || releaseByMonoMs !== null;",
        to: "stoppingWork === 'step-down';\n  void releaseByMonoMs;",
      },
    ],
  },
  {
    code: 'C9',
    what: 'an expired Lease of its own is left to the controller, which leaves it to its holder',
    edits: [
      {
        file: 'src/election/coordinated.ts',
        from: "return sighting.kind === 'present' && sighting.record.holder === config.identity && !asksToGiveWay(sighting.record);",
        to: "return sighting.kind === 'present' && isAssignment(sighting.record, config) && !asksToGiveWay(sighting.record);",
      },
    ],
  },
  {
    code: 'C10',
    what: 'an answer bears the time of a clock that is behind, and seems to be older than the question',
    edits: [
      {
        file: 'src/coordinated/candidate.ts',
        from: 'renewTime: pingTime !== null && pingTime > time ? pingTime : time',
        to: 'renewTime: time',
      },
    ],
  },
  {
    code: 'C11',
    what: 'a read between two writes that fail lets the waits begin anew',
    edits: [
      {
        file: 'src/coordinated/candidate.ts',
        from: '      learn(draft, outcome.candidate);',
        to: '      draft.failures = 0;\n      learn(draft, outcome.candidate);',
      },
      {
        file: 'src/coordinated/candidate.ts',
        from: '  if (!wants(draft, now)) return onRemoved(draft);\n',
        to: '  if (!wants(draft, now)) return onRemoved(draft);\n  draft.failures = 0;\n',
      },
    ],
  },
];

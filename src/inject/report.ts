import type { Position } from './source.ts';

/**
 * What can be said of a manifest. The codes stay the same between versions; docs/inject.md lists them with their remedies, and a
 * test compares.
 */
export const CODES = {
  ADDED: 'info',
  ALIAS_IN_THE_WAY: 'refusal',
  ALREADY_INJECTED: 'info',
  ANCHOR_SHARED: 'refusal',
  APP_PORT_ON_LOOPBACK: 'warning',
  EDITED_SINCE: 'refusal',
  EDIT_IMPOSSIBLE: 'refusal',
  GRACE_TOO_SHORT: 'warning',
  HOST_NETWORK_PORTS: 'warning',
  INJECTED: 'info',
  LABEL_NOT_ADDED: 'warning',
  LEFT_IN_CLUSTER: 'info',
  LEASE_NAME_LONG: 'refusal',
  LEASE_NAME_MISSING: 'refusal',
  LEASE_RIGHTS_WIDE: 'warning',
  LEASE_SHARED: 'hazard',
  MERGED_KEY: 'refusal',
  NAME_TAKEN: 'refusal',
  NO_STANDBY: 'warning',
  NOT_FOUND: 'refusal',
  NOT_INJECTED: 'info',
  NOTHING_TO_INJECT: 'warning',
  PDB_WOULD_BLOCK: 'hazard',
  PORT_TAKEN: 'refusal',
  REINJECTED: 'info',
  RESTORED: 'info',
  RESTORED_WITH_EDITS: 'warning',
  ROLLOUT_NEVER_COMPLETE: 'warning',
  ROLLOUT_WOULD_STALL: 'hazard',
  SERVICE_ACCOUNT_CHANGED: 'warning',
  SERVICE_HAS_SELECTOR: 'refusal',
  SERVICE_NOT_IN_INPUT: 'warning',
  SERVICE_OF_OTHERS: 'refusal',
  SERVICE_PORT_UNMATCHED: 'warning',
  SERVICE_ROUTED: 'info',
  SERVICE_SHARED: 'refusal',
  SERVICE_UNSUITABLE: 'hazard',
  SIDECAR_EXISTS: 'refusal',
  SKIPPED_HELM_HOOK: 'info',
  SKIPPED_NOT_A_WORKLOAD: 'info',
  SKIPPED_NOT_SELECTED: 'info',
  TEMPLATE_NOT_RENDERED: 'refusal',
  UNUSUAL_SHAPE: 'refusal',
  WINDOWS_NODES: 'refusal',
  YAML_INVALID: 'refusal',
} as const;

export type Code = keyof typeof CODES;

/** `hazard`: refused, unless the user insists (`--force`). */
export type Severity = (typeof CODES)[Code];

/** One line of the report. */
export interface Finding {
  readonly code: Code;
  /** As refused or taken: a hazard that the user insisted on is a warning. */
  readonly severity: Severity;
  /** `Deployment/web`, or the name of the input. */
  readonly subject: string;
  readonly at: Position | null;
  /** No capital, no full stop. */
  readonly message: string;
  /** What to do about it; null where nothing need be done. */
  readonly remedy: string | null;
}

/** What a command makes of manifests: `text` is null where something was refused. */
export interface Outcome {
  readonly text: string | null;
  readonly report: readonly Finding[];
}

/** Thrown inside this folder by what can't go on, caught at its door: a manifest can't be edited as asked. */
export class Refused extends Error {
  readonly code: Code;
  readonly offset: number;
  readonly remedy: string;

  constructor(code: Code, offset: number, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.offset = offset;
    this.remedy = remedy;
  }
}

/** Whether the findings forbid an output. */
export function refuses(report: readonly Finding[]): boolean {
  return report.some(({ severity }) => severity === 'refusal' || severity === 'hazard');
}

/** The text for stderr: one line per finding, with its code, subject, place, message and remedy. */
export function formatReport(report: readonly Finding[]): string {
  return report
    .map(({ code, subject, at, message, remedy }) => {
      const place = at === null ? '' : ` ${at.name}:${at.line}:${at.column}`;
      return `leasegate: ${code} ${subject}${place}: ${message}${remedy === null ? '' : `; ${remedy}`}\n`;
    })
    .join('');
}

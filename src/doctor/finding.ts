/** What findings say, in a word that stays the same between versions; docs/doctor.md explains each. */
export const FINDING_CODES = [
  'API_REACHABLE',
  'API_SLOW',
  'API_VERSION_OLD',
  'API_UNREACHABLE',
  'API_TIMEOUT',
  'API_RESET',
  'API_CERTIFICATE',
  'API_NO_CREDENTIALS',
  'API_UNAUTHORIZED',
  'API_TOKEN_EXPIRED',
  'API_THROTTLED',
  'API_SERVER_ERROR',
  'API_UNEXPECTED',
  'CLOCK_OK',
  'CLOCK_OFF',
  'CLOCK_UNKNOWN',
  'NAMESPACE_OK',
  'NAMESPACE_MISSING',
  'NAMESPACE_FOREIGN',
  'RIGHTS_OK',
  'RIGHTS_UNKNOWN',
  'RIGHTS_OF_CALLER',
  'SERVICE_ACCOUNT_MISSING',
  'SERVICE_ACCOUNT_FOREIGN',
  'SERVICE_ACCOUNT_UNLABELLED',
  'SERVICE_ACCOUNT_ELECTIONS_MISSING',
  'LEASE_RIGHTS_MISSING',
  'LEASE_CREATE_RIGHT_MISSING',
  'EVENT_RIGHT_MISSING',
  'MEMBERS_RIGHTS_MISSING',
  'LEASE_POLICY_MISSING',
  'LEASE_POLICY_UNKNOWN',
  'COORDINATED_RIGHTS_MISSING',
  'LABEL_RIGHTS_MISSING',
  'GATE_RIGHTS_MISSING',
  'ENDPOINTSLICE_RIGHTS_MISSING',
  'LEASE_NAME_RIGHTS_MISSING',
  'LEASE_NAME_OF',
  'LEASE_NAME_UNVERIFIED',
  'LEASE_NAME_UNKNOWN',
  'LEASE_ABSENT',
  'LEASE_FREE',
  'LEASE_HELD',
  'LEASE_EXPIRED',
  'LEASE_UNREADABLE',
  'LEASE_MALFORMED',
  'LEASE_RESERVED',
  'LEASE_HOLDER_FOREIGN',
  'LEASE_HOLDER_CLOCK_OFF',
  'LEASE_COORDINATED',
  'LEASE_SPEC_APPLIED',
  'LEASE_ANNOTATIONS_FOREIGN',
  'COORDINATED_OK',
  'COORDINATED_UNAVAILABLE',
  'COORDINATED_IDLE',
  'COORDINATED_UNKNOWN',
  'TIMINGS_OK',
  'TIMINGS_DIFFER',
  'POD_OK',
  'POD_MISSING',
  'POD_UID_DIFFERS',
  'POD_UNREADABLE',
  'POD_ENV_MISSING',
  'GRACE_SHORT',
  'GATE_MISSING',
  'GATE_UNPUBLISHED',
  'SERVICE_OK',
  'SERVICE_MISSING',
  'SERVICE_UNSUITABLE',
  'SERVICE_UNREADABLE',
  'ROLLOUT_OK',
  'ROLLOUT_STALLS',
  'ROLLOUT_ORDERED',
  'ROLLOUT_DEADLINE',
  'ROLLOUT_UNKNOWN',
  'DISRUPTION_OK',
  'DISRUPTION_BLOCKED',
  'DISRUPTION_UNKNOWN',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/**
 * `error`: something that was asked for does not work, or will not when it is needed. `warning`: it works, with a drawback.
 * `skipped`: it could not be looked at.
 */
export type Level = 'ok' | 'skipped' | 'warning' | 'error';

/** One thing that was looked at. */
export interface Finding {
  readonly code: FindingCode;
  readonly level: Level;
  readonly message: string;
  /** What the operator can do; null where there is nothing to do. */
  readonly remedy: string | null;
  /** What the remedy adds to the rules of a Role, as YAML: one item of the list. Null where it is about no right. */
  readonly rule: string | null;
}

export function ok(code: FindingCode, message: string, remedy: string | null = null): Finding {
  return { code, level: 'ok', message, remedy, rule: null };
}

export function skipped(code: FindingCode, message: string, remedy: string): Finding {
  return { code, level: 'skipped', message, remedy, rule: null };
}

export function warning(code: FindingCode, message: string, remedy: string): Finding {
  return { code, level: 'warning', message, remedy, rule: null };
}

export function error(code: FindingCode, message: string, remedy: string): Finding {
  return { code, level: 'error', message, remedy, rule: null };
}

const LEVELS: readonly Level[] = ['ok', 'skipped', 'warning', 'error'];

/** The level of all of it: that of the worst. What could not be looked at makes nothing worse. */
export function worstOf(findings: readonly { readonly level: Level }[]): Exclude<Level, 'skipped'> {
  const worst = LEVELS[Math.max(0, ...findings.map(({ level }) => LEVELS.indexOf(level)))]!;
  return worst === 'skipped' ? 'ok' : worst;
}

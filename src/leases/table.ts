import { type LeaseRow, standsOut } from './standing.ts';

/**
 * For people: one line per Lease, what stands out in capitals, and a summary. `wide` adds what a narrow terminal has no room for;
 * what names stand for is told where there are such names.
 */
export function textOf(rows: readonly LeaseRow[], { wide }: { readonly wide: boolean }): string {
  if (rows.length === 0) return 'no Leases\n';
  const named = rows.some(({ nameOf }) => nameOf !== null);
  const head = [
    ...['NAMESPACE', 'NAME', 'KIND', 'HOLDER', 'RENEWED', 'STATE'],
    ...(wide ? ['DURATION', 'TERMS', 'MEMBER OF'] : []),
    ...(named ? ['NAME OF'] : []),
  ];
  const lines = [...rows]
    .sort(byName)
    .map((row) => [
      row.namespace,
      row.name,
      row.kind,
      holder(row, wide),
      renewed(row),
      standsOut(row) ? row.standing.toUpperCase() : row.standing,
      ...(wide
        ? [row.durationMs === null ? '-' : seconds(row.durationMs), String(row.transitions ?? '-'), belonging(row)]
        : []),
      ...(named ? [nameOf(row, wide)] : []),
    ]);
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  const text = all.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${text.join('\n')}\n\n${summary(rows)}\n`;
}

/** For programs: one object per Lease; docs/leases.md has its fields. */
export function jsonOf(rows: readonly LeaseRow[]): string {
  return `${JSON.stringify({ leases: [...rows].sort(byName) })}\n`;
}

/** Of a member its pod, by which people know it; whole holders are long hashes. */
function holder(row: LeaseRow, wide: boolean): string {
  return shortened((wide ? null : podOf(row)) ?? row.holder ?? '-', wide);
}

/** Anybody can write what is not verified. */
function nameOf({ nameOf: claim }: LeaseRow, wide: boolean): string {
  if (claim === null) return '-';
  return claim.verified ? claim.workload : `UNVERIFIED ${shortened(printable(claim.workload), wide)}`;
}

/** Null for what is no member's that has a holder, or does not say it. */
function podOf({ memberOf, holder }: LeaseRow): string | null {
  return holder === null || !memberOf?.pod ? null : printable(memberOf.pod);
}

/** Annotations are anybody's text. */
function printable(text: string): string {
  return text.slice(0, PRINTED_MAX).replaceAll(/[^ -~]/g, '?');
}

const PRINTED_MAX = 253;
const HOLDER_MAX = 40;

function shortened(holder: string, wide: boolean): string {
  return wide || holder.length <= HOLDER_MAX ? holder : `${holder.slice(0, HOLDER_MAX - 1)}…`;
}

function renewed({ age }: LeaseRow): string {
  if (age === null) return '-';
  return `${age.atLeast ? '>' : ''}${seconds(age.ms)} ago`;
}

function belonging({ memberOf }: LeaseRow): string {
  return memberOf === null ? '-' : `${memberOf.election ?? '?'}, pod ${printable(memberOf.pod ?? '?')}`;
}

/** As kubectl does: the largest unit that says enough. */
function seconds(ms: number): string {
  const total = Math.floor(ms / 1_000);
  if (total < 120) return `${total}s`;
  if (total < 7_200) return `${Math.floor(total / 60)}m`;
  return total < 172_800 ? `${Math.floor(total / 3_600)}h` : `${Math.floor(total / 86_400)}d`;
}

function summary(rows: readonly LeaseRow[]): string {
  const out = rows.filter(standsOut);
  const count = `${rows.length} ${rows.length === 1 ? 'Lease' : 'Leases'}`;
  const unseen = rows.filter(({ standing }) => standing === 'unseen').length;
  if (out.length === 0 && unseen === 0) return `${count}, none late or expired`;
  const groups = Map.groupBy(out, ({ standing, kind }) => `${standing} ${kind}`);
  const told = [...groups].map(([what, some]) => `${some.length} ${what}: ${names(some)}`);
  // What was not seen to be renewed may be expired as well: that shows within its duration.
  if (unseen > 0) told.push(`${unseen} not seen to be renewed yet`);
  return `${count}; ${told.join('; ')}`;
}

const NAMES_MAX = 5;

function names(rows: readonly LeaseRow[]): string {
  const some = rows.slice(0, NAMES_MAX).map((row) => podOf(row) ?? row.name);
  return some.join(', ') + (rows.length > NAMES_MAX ? ' …' : '');
}

function byName(a: LeaseRow, b: LeaseRow): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

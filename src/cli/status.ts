import type { ElectionSummary } from '../api/elections.ts';
import { STATUS_OPTIONS } from '../config/client-options.ts';
import type { CandidacyAnswer } from '../leadership/control.ts';
import type { LeaderAnswer } from '../leadership/leadership.ts';
import { clientCommand } from './client.ts';
import type { Command } from './context.ts';
import { QUICK_MS_MAX } from './local-api.ts';
import { electionBase } from './served-elections.ts';

/** `leasegate status`: who leads, as this replica sees it. */
export const status: Command = clientCommand(STATUS_OPTIONS, async ({ election }, ask) => {
  const base = electionBase(election);
  const [leader, candidacy, all] = await Promise.all([
    ask({ method: 'GET', path: `${base}/leader`, timeoutMs: QUICK_MS_MAX }),
    ask({ method: 'GET', path: `${base}/candidacy`, timeoutMs: QUICK_MS_MAX }),
    election === undefined ? ask({ method: 'GET', path: '/elections', timeoutMs: QUICK_MS_MAX }) : null,
  ]);
  if (leader.status !== 200 || typeof leader.body.isLeader !== 'boolean') return leader;
  if (candidacy.status !== 200) return candidacy;
  const value = { ...(leader.body as LeaderAnswer), candidacy: pick(candidacy.body as CandidacyAnswer) };
  // A sidecar that is older knows no `/elections`.
  const elections: readonly ElectionSummary[] = all?.status === 200 ? all.body.elections : [];
  if (elections.length <= 1) return { exitCode: 0, value, text: describe(value) };
  return { exitCode: 0, value: { ...value, elections }, text: describe(value) + elections.map(lineOf).join('') };
});

/** One of several elections on one line. */
function lineOf({ name, isLeader, leader, paused }: ElectionSummary): string {
  const who = isLeader ? 'leads' : leader === null ? 'no leader known' : `led by ${leader.pod}`;
  return `${'election'.padEnd(11)}${name}: ${who}${paused ? ', paused' : ''}\n`;
}

function pick({ candidate, why, priority }: CandidacyAnswer): CandidacyAnswer {
  return { candidate, why, priority };
}

function describe(answer: LeaderAnswer & { readonly candidacy: CandidacyAnswer }): string {
  const { identity, isLeader, validForMs, leader, fencingToken, term, lease, candidacy } = answer;
  const seconds = (validForMs / 1_000).toFixed(1);
  const rows = [
    ['replica', identity],
    ['leads', isLeader ? `yes, for ${seconds} s and with each renewal longer` : 'no'],
    ['leader', leader === null ? 'none known' : leader.pod + (leader.address === null ? '' : ` (${leader.address})`)],
    ['token', fencingToken],
    ['candidate', `${candidacy.why === null ? 'yes' : `no: ${candidacy.why}`}, priority ${candidacy.priority}`],
    ['lease', `${lease.namespace}/${lease.name}`],
    ['term', term && `${term.transitions}${term.acquireTime === null ? '' : `, since ${term.acquireTime}`}`],
  ];
  return rows.flatMap(([name, text]) => (text == null ? [] : [`${name!.padEnd(11)}${text}\n`])).join('');
}

import { STATUS_OPTIONS } from '../config/client-options.ts';
import type { CandidacyAnswer } from '../leadership/control.ts';
import type { LeaderAnswer } from '../leadership/leadership.ts';
import { clientCommand } from './client.ts';
import type { Command } from './context.ts';
import { QUICK_MS_MAX } from './local-api.ts';

/** `leasegate status`: who leads, as this replica sees it. */
export const status: Command = clientCommand(STATUS_OPTIONS, async (_values, ask) => {
  const [leader, candidacy] = await Promise.all([
    ask({ method: 'GET', path: '/leader', timeoutMs: QUICK_MS_MAX }),
    ask({ method: 'GET', path: '/candidacy', timeoutMs: QUICK_MS_MAX }),
  ]);
  if (leader.status !== 200 || typeof leader.body.isLeader !== 'boolean') return leader;
  if (candidacy.status !== 200) return candidacy;
  const value = { ...(leader.body as LeaderAnswer), candidacy: pick(candidacy.body as CandidacyAnswer) };
  return { exitCode: 0, value, text: describe(value) };
});

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

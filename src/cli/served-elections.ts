import type { Ask } from './client.ts';
import { type ApiAnswer, type NoAnswer, QUICK_MS_MAX } from './local-api.ts';

/** Where the routes of one election lie; those of the first at the root. */
export function electionBase(election: string | undefined): string {
  return election === undefined ? '' : `/elections/${election}`;
}

/** Names of the elections that a sidecar takes part in; null where it knows only of one. Else why it could not be asked. */
export async function namesOf(ask: Ask): Promise<readonly string[] | null | NoAnswer | ApiAnswer> {
  const answer = await ask({ method: 'GET', path: '/elections', timeoutMs: QUICK_MS_MAX });
  // A sidecar that is older.
  if (answer.status === 404) return null;
  if (answer.status !== 200 || !Array.isArray(answer.body.elections)) return answer;
  const names = (answer.body.elections as readonly { readonly name: string }[]).map(({ name }) => name);
  return names.length > 1 ? names : null;
}

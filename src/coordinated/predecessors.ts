import { parseIdentity } from '../election/index.ts';
import type { CandidateStore } from '../ports/lease-candidates.ts';

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Deletes the candidates for the same Lease that dead processes of this pod left behind; another election's in the same pod are
 * alive. Left alone they answer no question, for which each election waits, and after 15 minutes make the API server ask all
 * others again and again. Resolves to whether none is left.
 */
export async function removePredecessors(store: CandidateStore, identity: string): Promise<boolean> {
  const podUid = parseIdentity(identity)?.podUid;
  if (podUid === undefined) return true;
  const candidates = await store.list(REQUEST_TIMEOUT_MS);
  if (candidates === null) return false;
  let clear = true;
  for (const candidate of candidates) {
    if (candidate.name === identity || parseIdentity(candidate.name)?.podUid !== podUid) continue;
    const outcome = await store.remove(candidate, REQUEST_TIMEOUT_MS);
    clear &&= outcome.kind === 'removed';
  }
  return clear;
}

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { answerJson, type ReadRoute, readOnly } from './fast-routes.ts';
import { refuseHost } from './guard.ts';
import { replyError } from './reply.ts';

export interface UnnamedApiOptions {
  readonly identity: string;
  /** Of the Lease. */
  readonly namespace: string;
  /** Why the name is not known yet, as a sentence. */
  why(): string;
}

/**
 * Both listeners while it is not known yet which Lease to campaign for: the answers of a replica that has not seen its Lease. It
 * does not lead, it lives, and it is not ready; whatever else is asked is for later.
 */
export function createUnnamedApi({ identity, namespace, why }: UnnamedApiOptions): {
  readonly local: RequestListener;
  readonly probe: RequestListener;
} {
  const answer = JSON.stringify({
    ...{ isLeader: false, identity, leader: null, validForMs: 0, fencingToken: null, term: null },
    lease: { namespace, name: null, uid: null },
  });
  const later = (req: IncomingMessage, res: ServerResponse) =>
    replyError(req, res, { code: 'NOT_READY', message: why() }, { 'Retry-After': 1 });
  const routes = new Map<string, ReadRoute>([
    ['/leader', readOnly((req, res) => answerJson(req, res, 200, answer))],
    ['/is-leader', readOnly((req, res) => answerJson(req, res, 503, answer))],
    ['/is-standby', readOnly((req, res) => answerJson(req, res, 200, answer))],
    ['/healthz', readOnly((req, res) => answerJson(req, res, 200, '{"status":"ok"}'))],
  ]);
  const probe: RequestListener = (req, res) => {
    const [path = ''] = (req.url ?? '').split('?', 1);
    void (routes.get(path) ?? later)(req, res, '');
  };
  return {
    probe,
    local: (req, res) => {
      const refusal = refuseHost(req);
      if (refusal === null) probe(req, res);
      else replyError(req, res, refusal);
    },
  };
}

import express, { type ErrorRequestHandler, type RequestHandler, type Router } from 'express';
import type { StepDownOutcome } from '../leadership/control.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Logger } from '../ports/log.ts';
import { electionPath, type ServedElection, type ServedElections } from './elections.ts';
import type { ApiError } from './errors.ts';
import { BODY_TOO_LARGE, refuseChange } from './guard.ts';
import { LIMITS } from './limits.ts';
import { replyError, replyJson, replyMethodNotAllowed } from './reply.ts';

export interface ControlRoutesOptions {
  readonly elections: ServedElections;
  readonly log: Logger;
}

/**
 * The routes that change something: POST only, from inside the pod only, never from another origin's web page. Each lies at the
 * root, for the first election, and below each election's own path.
 */
export function createControlRoutes({ elections, log }: ControlRoutesOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true });
  const readBody = express.json({ limit: LIMITS.bodyBytesMax, inflate: false, type: () => true });
  const byName = new Map(elections.map((election) => [election.leadership.lease().name, election]));

  function post(
    path: string,
    fields: readonly Field[],
    act: (election: ServedElection, options: Asked) => Promise<Reply>,
  ): void {
    const handle: RequestHandler = async (req, res) => {
      // The path has been looked up before: there is no other name than these.
      const election = byName.get(String(req.params.election)) ?? elections[0];
      const options = readOptions(req.body, fields);
      if ('code' in options) {
        replyError(req, res, options);
        return;
      }
      const { name } = election.leadership.lease();
      const isOneOfSeveral = elections.length > 1;
      log.info(
        { path: req.path, ...(isOneOfSeveral && { lease: name }), ...options },
        'Asked for a change over the local API',
      );
      const reply = await act(election, options);
      if ('code' in reply) replyError(req, res, reply);
      else replyJson(res, 200, JSON.stringify({ ...reply, ...(isOneOfSeveral && { name }) }));
    };
    router
      .route([path, electionPath(`:election${path}`)])
      .post(guard, readBody, handle)
      .all((req, res) => replyMethodNotAllowed(req, res, 'POST'));
  }

  post('/step-down', ['immediate', 'to'], async (election, { immediate, to }) => {
    const { leadership, control } = election;
    const outcome = to === undefined ? await control.stepDown({ immediate }) : await transfer(election, immediate, to);
    return 'result' in outcome && outcome.result === 'not-leading' ? notLeading(leadership) : outcome;
  });
  post('/pause', ['immediate'], async ({ control }, { immediate }) => ({
    paused: true,
    ...(await control.pause({ immediate })),
  }));
  post('/resume', [], async ({ control }) => {
    control.resume();
    return { paused: control.paused };
  });
  return router;
}

/** Nothing changes before it is known that the other one would lead. */
async function transfer(
  { leadership, control, candidates }: ServedElection,
  immediate: boolean,
  to: string,
): Promise<ApiError | StepDownOutcome> {
  const leader = leadership.leader();
  if (leader?.identity !== leadership.identity) return notLeading(leadership);
  if (leader.pod === to) return { code: 'TARGET_NOT_CANDIDATE', message: `Pod ${to} leads already.` };
  const found = await candidates.find(to);
  return found.ok ? control.stepDown({ immediate, to: found.identity }) : found;
}

type Field = 'immediate' | 'to';
/** `to`: the name of a pod. */
interface Asked {
  readonly immediate: boolean;
  readonly to?: string;
}
type Reply = ApiError | StepDownOutcome | { readonly paused: boolean };

/** DNS-1123 subdomain. */
const POD_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const guard: RequestHandler = (req, res, next) => {
  const refusal = refuseChange(req);
  if (refusal === null) next();
  else replyError(req, res, refusal);
};

function notLeading(leadership: Leadership): ApiError {
  const leader = leadership.answer().leader;
  const who = leader === null ? 'no leader is known' : `the leader is ${leader.pod}`;
  return { code: 'NOT_LEADING', message: `This replica does not lead, there is nothing to give up; ${who}.` };
}

/** No body means no options. A field that is not known is refused: it was meant to have an effect. */
function readOptions(body: unknown, fields: readonly Field[]): Asked | ApiError {
  if (body === undefined) return { immediate: false };
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { code: 'INVALID_BODY', message: 'The body is not a JSON object.' };
  }
  const unknown = Object.keys(body).find((name) => !(fields as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const known = fields.length === 0 ? 'This route takes no fields' : `Known: ${fields.join(', ')}`;
    return { code: 'UNKNOWN_FIELD', message: `${JSON.stringify(unknown.slice(0, 64))} is not known here. ${known}.` };
  }
  const { immediate = false, to } = body as { immediate?: unknown; to?: unknown };
  if (typeof immediate !== 'boolean') return { code: 'INVALID_FIELD', message: 'immediate is either true or false.' };
  if (to === undefined) return { immediate };
  if (typeof to !== 'string' || !POD_NAME.test(to))
    return { code: 'INVALID_FIELD', message: 'to is the name of a pod.' };
  return { immediate, to };
}

/** Turns what express and its body parser throw into this API's errors; anything unforeseen is a 500 that tells nothing. */
export function createErrorHandler(log: Logger): ErrorRequestHandler {
  return (error, req, res, _next) => {
    const known = bodyError(error);
    if (known === null) log.error({ err: error, method: req.method }, 'A request to the local API failed');
    if (res.headersSent) res.destroy();
    else replyError(req, res, known ?? { code: 'INTERNAL', message: 'Something went wrong here; the log says what.' });
  };
}

/** `type` is the stable part of body-parser's errors. */
function bodyError({ type }: { readonly type?: unknown }): ApiError | null {
  switch (type) {
    case 'entity.too.large':
      return BODY_TOO_LARGE;
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return { code: 'UNSUPPORTED_MEDIA_TYPE', message: 'A body must be plain UTF-8, without a content encoding.' };
    case 'entity.parse.failed':
    case 'request.aborted':
    case 'request.size.invalid':
      return { code: 'INVALID_BODY', message: 'The body is not valid JSON, or not all of it came.' };
    default:
      return null;
  }
}

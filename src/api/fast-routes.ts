import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Leadership } from '../leadership/leadership.ts';
import { AnswerText } from './answer-text.ts';
import { answerElections, electionPath, type ServedElection, type ServedElections } from './elections.ts';
import type { ApiErrorCode } from './errors.ts';
import type { MetricsPage } from './metrics.ts';
import type { QuickAnswers } from './quick-answers.ts';
import { replyError, replyJson, replyMethodNotAllowed, replyText } from './reply.ts';

/** Answers GET, HEAD and OPTIONS on one path. `query` is what follows the question mark. */
export type ReadRoute = (req: IncomingMessage, res: ServerResponse, query: string) => void | Promise<void>;

export interface FastRoutesOptions {
  readonly elections: ServedElections;
  readonly metrics: MetricsPage;
}

const READ_METHODS = 'GET, HEAD, OPTIONS';

/** The one that applications may ask before each piece of work. */
export function createQuickAnswers(leadership: Leadership): QuickAnswers {
  const text = new AnswerText();
  return new Map([['GET /leader HTTP/1.1', () => text.of(leadership.answer())]]);
}

/**
 * The routes that are asked many times a second or by every probe. They need no framework, so that express is not even
 * loaded for them. None changes anything: both listeners serve them.
 */
export function createFastRoutes({ elections, metrics }: FastRoutesOptions): ReadonlyMap<string, ReadRoute> {
  const [{ leadership }] = elections;
  const healthz = readOnly((req, res) =>
    answerHealth(
      req,
      res,
      'LOOP_WEDGED',
      firstProblem(elections, ({ health }) => health.wedged()),
    ),
  );

  const readyz = readOnly((req, res, query) => {
    const wanted = new URLSearchParams(query).get('leader');
    if (wanted !== null && wanted !== 'true' && wanted !== 'false') {
      replyError(req, res, { code: 'INVALID_QUERY', message: 'leader is either true or false.' });
      return;
    }
    // A further Lease that can't be seen must not keep the application from starting, while others are led here already.
    const unready = elections[0].health.unready();
    if (unready === null && wanted === 'true' && !leadership.isLeader()) {
      answerHealth(req, res, 'STANDBY', 'This replica does not lead, and the question was whether it does.');
    } else answerHealth(req, res, 'NOT_READY', unready);
  });

  const metricsPage = readOnly(async (req, res) => {
    replyText(res, 200, metrics.contentType, await metrics.scrape(), allowIfAsked(req));
  });

  const all = readOnly((req, res) => answerJson(req, res, 200, JSON.stringify(answerElections(elections))));

  return new Map([
    ...electionRoutes(elections[0], ''),
    ...elections.flatMap((election) => electionRoutes(election, electionPath(election.leadership.lease().name))),
    ['/elections', all],
    ['/healthz', healthz],
    ['/readyz', readyz],
    ['/metrics', metricsPage],
  ]);
}

/** What is told of one election, below `base`. */
function electionRoutes({ leadership, control }: ServedElection, base: string): [string, ReadRoute][] {
  const leader = readOnly((req, res) => answerJson(req, res, 200, JSON.stringify(leadership.answer())));

  const ifLeading = (statusLeading: number, statusStandby: number) =>
    readOnly((req, res) => {
      const answer = leadership.answer();
      answerJson(req, res, answer.isLeader ? statusLeading : statusStandby, JSON.stringify(answer));
    });

  // No answer of /leader: nobody trusts it for longer than this moment.
  const candidacy = readOnly((req, res) => {
    const answer = { identity: leadership.identity, lease: leadership.lease(), ...control.candidacy() };
    answerJson(req, res, 200, JSON.stringify(answer));
  });

  return [
    [`${base}/leader`, leader],
    [`${base}/is-leader`, ifLeading(200, 503)],
    [`${base}/is-standby`, ifLeading(503, 200)],
    [`${base}/candidacy`, candidacy],
  ];
}

/** What is wrong with the first election with which something is; names it where there are several. */
function firstProblem(elections: ServedElections, of: (election: ServedElection) => string | null): string | null {
  for (const election of elections) {
    const problem = of(election);
    if (problem !== null) return elections.length === 1 ? problem : `${election.leadership.lease().name}: ${problem}`;
  }
  return null;
}

/** A route that takes GET, HEAD and OPTIONS, and refuses the rest. */
export function readOnly(route: ReadRoute): ReadRoute {
  return (req, res, query) => {
    const { method } = req;
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return route(req, res, query);
    return replyMethodNotAllowed(req, res, READ_METHODS);
  };
}

/** Answers with JSON text; a question for the options gets them, too. */
export function answerJson(req: IncomingMessage, res: ServerResponse, status: number, json: string): void {
  replyJson(res, status, json, allowIfAsked(req));
}

function answerHealth(req: IncomingMessage, res: ServerResponse, code: ApiErrorCode, problem: string | null): void {
  if (problem === null) answerJson(req, res, 200, '{"status":"ok"}');
  else replyError(req, res, { code, message: problem }, allowIfAsked(req));
}

function allowIfAsked({ method }: IncomingMessage): { Allow: string } | undefined {
  return method === 'OPTIONS' ? { Allow: READ_METHODS } : undefined;
}

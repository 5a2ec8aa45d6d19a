import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ElectionControl, LoopHealth } from '../leadership/control.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Candidates } from '../ports/candidates.ts';
import { systemTimers, type Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Membership } from '../ports/membership.ts';
import type { ApiError } from './errors.ts';
import { EventHub } from './event-hub.ts';
import { leadershipEvents, membershipEvents } from './event-sources.ts';
import { answerJson, createFastRoutes, createQuickAnswers, type ReadRoute, readOnly } from './fast-routes.ts';
import { refuseHost } from './guard.ts';
import type { MetricsPage } from './metrics.ts';
import type { QuickAnswers } from './quick-answers.ts';
import { replyError, replyLocalOnly, replyMethodNotAllowed, replyNotFound } from './reply.ts';

export interface ApiOptions {
  readonly leadership: Leadership;
  readonly control: ElectionControl;
  readonly health: LoopHealth;
  readonly candidates: Candidates;
  readonly metrics: MetricsPage;
  /** @defaultValue none is kept */
  readonly membership?: Membership | null;
  readonly log: Logger;
  /** @defaultValue Node's timers */
  readonly timers?: Timers;
}

export interface Api {
  /** Everything, changes included. To be bound to loopback; answers to loopback host names only. */
  readonly local: RequestListener;
  /** For the local listener: what `listen` may answer by itself. */
  readonly quickAnswers: QuickAnswers;
  /** Only what tells and changes nothing. May be reached from outside the pod. */
  readonly probe: RequestListener;
  /** Readers of the event stream at this moment. */
  readonly eventStreams: number;
  /** Ends all event streams, so that the servers can close. Other routes go on answering. */
  close(): void;
}

/** The HTTP API as two request listeners; `listen.ts` gives them sockets. `docs/http-api.md` is its reference. */
export function createApi(options: ApiOptions): Api {
  const { log, leadership, membership = null, timers = systemTimers } = options;
  const routes = createFastRoutes(options);
  const events = new EventHub({ source: leadershipEvents(leadership), timers, log });
  const memberEvents = membership && new EventHub({ source: membershipEvents(membership), timers, log });

  const localRoutes = new Map([
    ...routes,
    ['/leader/events', streamOf(events)],
    ['/members', membership === null ? replyMembersOff : membersRoute(membership)],
    ['/members/events', memberEvents === null ? replyMembersOff : streamOf(memberEvents)],
  ]);

  // Express takes 9 MiB and as long to load as the whole rest to start. Most replicas never need it.
  let app: Promise<RequestListener> | null = null;
  const serveRest: Handler = async (req, res, path) => {
    // Express would read a target its own way: without a fragment, a blank at its end, or the scheme and host before it.
    if (!LOCAL_ONLY_PATHS.has(path)) return replyNotFound(req, res);
    app ??= import('./local-app.ts').then(({ createLocalApp }) => createLocalApp(options));
    (await app)(req, res);
  };

  const listener = (admit: Admission, routes: ReadonlyMap<string, ReadRoute>, rest: Handler): RequestListener => {
    return (req, res) => {
      try {
        const refusal = admit(req);
        if (refusal !== null) {
          replyError(req, res, refusal);
          return;
        }
        const [path, query] = splitTarget(req.url ?? '');
        const route = routes.get(path);
        const done = route === undefined ? rest(req, res, path) : route(req, res, query);
        done?.catch((error: unknown) => fail(req, res, error));
      } catch (error) {
        fail(req, res, error);
      }
    };
  };

  const fail = (req: IncomingMessage, res: ServerResponse, error: unknown): void => {
    log.error({ err: error, method: req.method }, 'A request to the HTTP API failed');
    if (res.headersSent) res.destroy();
    else replyError(req, res, { code: 'INTERNAL', message: 'Something went wrong here; the log says what.' });
  };

  return {
    local: listener(refuseHost, localRoutes, serveRest),
    probe: listener(
      () => null,
      routes,
      (req, res, path) => {
        if (LOCAL_ONLY_PATHS.has(path)) replyLocalOnly(req, res);
        else replyNotFound(req, res);
      },
    ),
    quickAnswers: createQuickAnswers(options.leadership),
    get eventStreams() {
      return events.size + (memberEvents?.size ?? 0);
    },
    close: () => {
      events.close();
      memberEvents?.close();
    },
  };
}

/** What the probe listener lacks, so that it can say where it is. */
export const LOCAL_ONLY_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/leader/events',
  '/members',
  '/members/events',
  '/step-down',
  '/pause',
  '/resume',
]);

function streamOf(hub: EventHub): ReadRoute {
  return (req, res) => {
    if (req.method === 'GET' || req.method === 'HEAD') hub.open(req, res);
    else replyMethodNotAllowed(req, res, 'GET, HEAD');
  };
}

function membersRoute(membership: Membership): ReadRoute {
  return readOnly((req, res) => answerJson(req, res, 200, JSON.stringify(membership.answer())));
}

const replyMembersOff: ReadRoute = (req, res) => {
  const message = 'This replica keeps no heartbeat and knows of no others. Set LEASEGATE_MEMBERS=true for all of them.';
  replyError(req, res, { code: 'MEMBERS_OFF', message });
};

type Admission = (req: IncomingMessage) => ApiError | null;
type Handler = (req: IncomingMessage, res: ServerResponse, path: string) => void | Promise<void>;

/** Path and query, as sent. A target in absolute form (`GET http://…`) matches no path: this is no proxy. */
function splitTarget(target: string): readonly [path: string, query: string] {
  const at = target.indexOf('?');
  return at === -1 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

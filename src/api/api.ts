import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { systemTimers, type Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Membership } from '../ports/membership.ts';
import { electionPath, electionsEvents, type ServedElections } from './elections.ts';
import type { ApiError } from './errors.ts';
import { EventHub, type EventSource } from './event-hub.ts';
import { leadershipEvents, membershipEvents } from './event-sources.ts';
import { answerJson, createFastRoutes, createQuickAnswers, type ReadRoute, readOnly } from './fast-routes.ts';
import { refuseHost } from './guard.ts';
import type { MetricsPage } from './metrics.ts';
import type { QuickAnswers } from './quick-answers.ts';
import { replyError, replyLocalOnly, replyMethodNotAllowed, replyNotFound } from './reply.ts';

export interface ApiOptions {
  /** The routes at the root speak of the first, those below `/elections/<name>` of each. */
  readonly elections: ServedElections;
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
  const { log, elections, membership = null, timers = systemTimers } = options;
  const routes = createFastRoutes(options);
  const hub = (source: EventSource) => new EventHub({ source, timers, log });
  const hubs = new Map([['/leader/events', hub(leadershipEvents(elections[0].leadership))]]);
  for (const { leadership } of elections) {
    const base = electionPath(leadership.lease().name);
    hubs.set(`${base}/leader/events`, hub(leadershipEvents(leadership, base)));
  }
  hubs.set('/elections/events', hub(electionsEvents(elections)));
  if (membership !== null) hubs.set('/members/events', hub(membershipEvents(membership)));

  const localRoutes = new Map([
    ...routes,
    ['/members', membership === null ? replyMembersOff : membersRoute(membership)],
    // Where members are kept, its hub takes this place.
    ['/members/events', replyMembersOff],
    ...[...hubs].map(([path, events]): [string, ReadRoute] => [path, streamOf(events)]),
  ]);

  const names = elections.map(({ leadership }) => leadership.lease().name);
  const localOnly = new Set([
    ...LOCAL_ONLY_PATHS,
    '/elections/events',
    ...names.flatMap((name) => LOCAL_ONLY_ELECTION_PATHS.map((path) => electionPath(name) + path)),
  ]);
  const notFound = (req: IncomingMessage, res: ServerResponse, path: string): void => {
    const name = /^\/elections\/([^/]+)\/./.exec(path)?.[1];
    if (name === undefined || names.includes(name)) return replyNotFound(req, res);
    const message = `This replica takes part in no election of that name, only in: ${names.join(', ')}.`;
    replyError(req, res, { code: 'UNKNOWN_ELECTION', message });
  };

  // Express takes 9 MiB and as long to load as the whole rest to start. Most replicas never need it.
  let app: Promise<RequestListener> | null = null;
  const serveRest: Handler = async (req, res, path) => {
    // Express would read a target its own way: without a fragment, a blank at its end, or the scheme and host before it.
    if (!localOnly.has(path)) return notFound(req, res, path);
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
        if (localOnly.has(path)) replyLocalOnly(req, res);
        else notFound(req, res, path);
      },
    ),
    quickAnswers: createQuickAnswers(elections[0].leadership),
    get eventStreams() {
      let size = 0;
      for (const events of hubs.values()) size += events.size;
      return size;
    },
    close: () => {
      for (const events of hubs.values()) events.close();
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

/** The same of each election, below its own path. */
const LOCAL_ONLY_ELECTION_PATHS = ['/leader/events', '/step-down', '/pause', '/resume'];

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

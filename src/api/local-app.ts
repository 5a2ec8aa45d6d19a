import type { RequestListener } from 'node:http';
import express, { type RequestHandler } from 'express';
import { type ControlRoutesOptions, createControlRoutes, createErrorHandler } from './control-routes.ts';
import { replyJson, replyMethodNotAllowed, replyNotFound, replyText } from './reply.ts';
import { STATUS_PAGE, STATUS_PAGE_CSP } from './status-page.ts';

/** What the local listener serves beside the routes that need no framework. Loaded on first use: see `api.ts`. */
export function createLocalApp(options: ControlRoutesOptions): RequestListener {
  const {
    elections: [{ leadership }],
    log,
  } = options;
  const app = express();
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.set('query parser', false);

  app
    .route('/')
    .get((req, res) => {
      const headers = { Vary: 'Accept' };
      // Whoever has no preference is a program: `*/*` means JSON.
      if (req.accepts(['json', 'html']) === 'html') {
        replyText(res, 200, 'text/html; charset=utf-8', STATUS_PAGE, { ...headers, ...PAGE_HEADERS });
      } else replyJson(res, 200, JSON.stringify({ name: leadership.answer().leader?.pod ?? '' }), headers);
    })
    .all(notAllowed('GET, HEAD'));
  app.use(createControlRoutes(options));
  app.use((req, res) => replyNotFound(req, res));
  app.use(createErrorHandler(log));
  return app;
}

const PAGE_HEADERS = {
  'Content-Security-Policy': STATUS_PAGE_CSP,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

function notAllowed(allow: string): RequestHandler {
  return (req, res) => replyMethodNotAllowed(req, res, allow);
}

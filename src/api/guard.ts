import type { IncomingMessage } from 'node:http';
import type { ApiError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { announcesBody } from './reply.ts';

/**
 * Keeps web pages and other pods away from the local listener. The dangers: a page in the browser of somebody who forwards
 * the port sends a request here (cross-site request forgery), or its own host name is made to point to 127.0.0.1 (DNS
 * rebinding), which makes the page same-origin with this API and lets it read the answers too.
 */

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
const LOOPBACK_ADDRESS = /^(?:::ffff:)?127\.|^::1$/;

/** Whether a Host header names this machine and nothing that a page could be served from. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_HOST.test(host);
}

/**
 * For every request to the local listener. A rebound page cannot choose its Host header, which is its own name. A request
 * without one (HTTP/1.0 probes) was not sent by a browser.
 */
export function refuseHost({ headers: { host } }: IncomingMessage): ApiError | null {
  if (host === undefined || isLoopbackHost(host)) return null;
  return {
    code: 'FORBIDDEN_HOST',
    message:
      'This listener answers to localhost, 127.0.0.0/8 and [::1] only. From outside the pod ask the probe listener.',
  };
}

/** For requests that change something, after {@link refuseHost}: null when one may go on. */
export function refuseChange(req: IncomingMessage): ApiError | null {
  const { host, origin, 'content-type': contentType, 'content-length': contentLength } = req.headers;
  const fetchSite = req.headers['sec-fetch-site'];
  // The port may have been bound to more than loopback; a Host header proves nothing about a client that is no browser.
  if (!LOOPBACK_ADDRESS.test(req.socket.remoteAddress ?? '')) {
    return { code: 'FORBIDDEN_PEER', message: 'Changes are taken from inside the pod only.' };
  }
  if (host === undefined) {
    return { code: 'FORBIDDEN_HOST', message: 'Changes need a Host header that names loopback.' };
  }
  // Browsers send Origin with every POST. Another port of localhost is another origin: somebody else's page.
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    return { code: 'FORBIDDEN_ORIGIN', message: 'Changes are not taken from web pages of another origin.' };
  }
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') {
    return { code: 'FORBIDDEN_ORIGIN', message: 'Changes are not taken from web pages of another site.' };
  }
  // What a form, or a script without a preflight, can send is never this type.
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType === undefined ? announcesBody(req) : mediaType !== 'application/json') {
    return {
      code: 'UNSUPPORTED_MEDIA_TYPE',
      message: "A body must be JSON with the header 'Content-Type: application/json' (curl --json does that).",
    };
  }
  // Decided by the announcement: express would read, and throw away, all of it before it refuses.
  if (Number(contentLength) > LIMITS.bodyBytesMax) return BODY_TOO_LARGE;
  return null;
}

export const BODY_TOO_LARGE: ApiError = {
  code: 'BODY_TOO_LARGE',
  message: `A body may have ${LIMITS.bodyBytesMax} bytes at most.`,
};

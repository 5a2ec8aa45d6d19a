import type { Action } from './access.ts';
import { denied } from './access.ts';
import type { Answer } from './api.ts';
import { status, unauthorized, unforeseen } from './status.ts';

/** What a real API server, or the load balancer before it, answers with this code when it is in trouble. */
export function faultAnswer(code: number, user: string, action: Action | null): Answer {
  switch (code) {
    case 401:
      return failure(unauthorized());
    case 403:
      if (action !== null) return failure(denied(user, action));
      break;
    case 429:
      // Priority and fairness answers in plain text.
      return { kind: 'text', code, text: 'Too many requests, please try again later.\n' };
    case 500:
      return failure(status(500, 'InternalError', 'Internal error occurred: injected fault'));
    case 503:
      return failure(status(503, 'ServiceUnavailable', 'the server is currently unable to handle the request'));
    case 504:
      return failure(status(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {}));
  }
  return failure({ ...unforeseen('injected fault'), code });
}

const failure = (body: ReturnType<typeof status>): Answer => ({ kind: 'json', code: body.code, body, warnings: [] });

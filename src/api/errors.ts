/** Every error that the API answers with a body of its own, and its status. Codes are stable; messages are for people. */
export const API_ERRORS = {
  INVALID_BODY: 400,
  UNKNOWN_FIELD: 400,
  INVALID_FIELD: 400,
  INVALID_QUERY: 400,
  FORBIDDEN_PEER: 403,
  FORBIDDEN_HOST: 403,
  FORBIDDEN_ORIGIN: 403,
  LOOKUP_FORBIDDEN: 403,
  NOT_FOUND: 404,
  MEMBERS_OFF: 404,
  TARGET_UNKNOWN: 404,
  UNKNOWN_ELECTION: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_LEADING: 409,
  TARGET_NOT_CANDIDATE: 409,
  TARGET_NOT_CHOSEN_HERE: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TARGET_OF_OTHER_ELECTION: 422,
  INTERNAL: 500,
  TARGET_UNREACHABLE: 502,
  LOOKUP_FAILED: 503,
  STANDBY: 503,
  LOOP_WEDGED: 503,
  NOT_READY: 503,
  TOO_MANY_SUBSCRIBERS: 503,
  SHUTTING_DOWN: 503,
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** A refusal as a value: what to answer, in words that say what to do instead. */
export interface ApiError {
  readonly code: ApiErrorCode;
  readonly message: string;
}

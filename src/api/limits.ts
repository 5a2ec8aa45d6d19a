/** What one listener may cost. Each bound is far above ordinary use: a handful of probes, applications and a browser. */
export const LIMITS = {
  /** Largest request head (request line and headers). Longer: 431. */
  headerBytesMax: 8 * 1024,
  /** Largest body of a changing request. Longer: 413. */
  bodyBytesMax: 4 * 1024,
  /** A connection that has not sent a whole request head by then is answered 408 and closed. */
  headersTimeoutMs: 5_000,
  /** The same for a whole request, body included. */
  requestTimeoutMs: 10_000,
  /** How often the two timeouts above are enforced. */
  timeoutCheckIntervalMs: 2_000,
  /** An idle connection is kept this long; above the 10 s at which most probes and scrapers come back. */
  keepAliveTimeoutMs: 15_000,
  /** Further connections are closed at once. */
  connectionsMax: 1_024,
  /** Readers of the event stream. Further ones: 503. */
  eventStreamsMax: 256,
  /** A reader with more than this unread is dropped. */
  eventStreamBufferBytesMax: 64 * 1024,
  /** The same of the members' event stream, whose first event holds hundreds of them. */
  memberStreamsMax: 16,
  memberStreamBufferBytesMax: 1024 * 1024,
  /** A comment is sent on each event stream this often, so that neither end takes silence for death. */
  eventStreamKeepAliveMs: 15_000,
  /** How long an event stream's reader is asked to wait before it connects again. */
  eventStreamRetryMs: 2_000,
} as const;

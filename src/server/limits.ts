/** What the server takes on, with the reason of each limit. */
export interface Limits {
  /** Bytes of a request's body: a prompt of 250,000 tokens fits. */
  bodyBytes: number;
  /** Nested lists and objects in a body: a JSON schema of an answer may be deep. */
  depth: number;
  /** Requests that wait for one model. */
  waiting: number;
  /** Requests that one model works on at a time. */
  slots: number;
  /** Milliseconds from a request's arrival to the end of its answer. */
  deadlineMs: number;
  /** Milliseconds in which a reader must take what is ready. */
  stallMs: number;
  /** Bytes of an answer that are kept for a reader who is behind. */
  unreadBytes: number;
  /** Milliseconds that requests may take to end when the server ends. */
  drainMs: number;
  /** Milliseconds in which a client must send its headers, and in which the whole request. */
  headersMs: number;
  requestMs: number;
  /** Open connections; the next one is closed at once. */
  connections: number;
}

export const USUAL_LIMITS: Limits = {
  bodyBytes: 2 ** 20,
  depth: 64,
  waiting: 64,
  slots: 1,
  deadlineMs: 600_000,
  stallMs: 30_000,
  unreadBytes: 8 * 2 ** 20,
  drainMs: 30_000,
  headersMs: 10_000,
  requestMs: 30_000,
  connections: 2048,
};

/** What the routes work with. */
import type { Context } from "hono";
import { LlamafuseError } from "../../errors.js";
import { apiFailure } from "../http/api-error.js";
import { CHAT_EVENTS, type EventForm, eventStream } from "../http/event-stream.js";
import { type RequestSignal, requestSignal } from "../http/request-signal.js";
import type { Limits } from "../limits.js";
import type { ModelPool } from "../models/model-pool.js";
import type { Usage } from "./usage.js";

export interface Backend {
  models: ModelPool;
  limits: Limits;
  /** Fires when requests that are under way must end. */
  shutdown: AbortSignal;
  /** What an answer took. */
  onUsage(model: string, usage: Usage): void;
  /** A failure that a client is not told the reason of. */
  onFailure(error: unknown, requestId: string): void;
}

/** What Node's server gives beside the request; absent where the app is called without one. */
export interface Bindings {
  outgoing?: { destroy(): void };
}

export interface Environment {
  Bindings: Bindings;
  Variables: { requestId: string };
}

export type AppContext = Context<Environment>;

/** Do the work of a request under its signal. */
export async function underSignal<Result>(
  c: AppContext,
  backend: Backend,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const request = signalOf(c, backend);
  try {
    return await work(request.signal);
  } finally {
    request.end();
  }
}

/** The same, answered by events. */
export async function eventsOf(
  c: AppContext,
  backend: Backend,
  work: (send: (event: unknown) => void, signal: AbortSignal) => Promise<void>,
  form: EventForm = CHAT_EVENTS,
): Promise<Response> {
  const request = signalOf(c, backend);
  const requestId = c.get("requestId");
  const { outgoing } = c.env ?? {};
  const produce = async (send: (event: unknown) => void) => {
    try {
      await work(send, request.signal);
    } finally {
      request.end();
    }
  };
  const stream = await eventStream(produce, {
    ...backend.limits,
    ...form,
    onLost: (reason) => request.abort(reason),
    ...(outgoing !== undefined && { disconnect: () => outgoing.destroy() }),
    failed: (error) => {
      const { body, isOurs } = apiFailure(error);
      if (isOurs) backend.onFailure(error, requestId);
      return body;
    },
  });
  return c.body(stream, 200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    // Proxies that collect answers would show them all at once.
    "x-accel-buffering": "no",
  });
}

function signalOf(c: AppContext, { shutdown, limits }: Backend): RequestSignal {
  return requestSignal(c.req.raw.signal, shutdown, limits.deadlineMs);
}

/** Error: why the request ended, where its answer was cut for that. */
export function checkWhole({ finishReason }: { finishReason: string }, signal: AbortSignal): void {
  if (finishReason !== "aborted") return;
  throw signal.reason instanceof LlamafuseError
    ? signal.reason
    : new LlamafuseError("disposed", "The model was replaced while it answered.");
}

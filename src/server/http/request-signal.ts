/** One signal for all that can end a request before its answer does. */
import { LlamafuseError } from "../../errors.js";
import { onAbort } from "../../on-abort.js";

export interface RequestSignal {
  /** Its reason is a LlamafuseError: aborted (the client left), timed-out, shutting-down. */
  readonly signal: AbortSignal;
  abort(reason: LlamafuseError): void;
  /** The request has ended: forget timers and listeners. */
  end(): void;
}

export function requestSignal(client: AbortSignal, shutdown: AbortSignal, deadlineMs: number): RequestSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const abort = (reason: LlamafuseError) => controller.abort(reason);
  const timer = setTimeout(() => {
    const message = `The answer took longer than ${deadlineMs / 1000} seconds, the most that a request may take. Ask for fewer max_tokens.`;
    abort(new LlamafuseError("timed-out", message, { allowed: deadlineMs }));
  }, deadlineMs);
  timer.unref();
  const forgets = [
    onAbort(client, () => abort(new LlamafuseError("aborted", "The client closed the connection."))),
    onAbort(shutdown, () => abort(new LlamafuseError("shutting-down", "The server ends."))),
  ];
  return {
    signal,
    abort,
    end() {
      clearTimeout(timer);
      for (const forget of forgets) forget();
    },
  };
}

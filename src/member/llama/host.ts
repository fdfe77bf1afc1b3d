/** Where a member's engine runs, seen from the coordinator: a thread of this process, or a process of its own. */
import { LlamafuseError } from "../../errors.js";
import { onAbort } from "../../on-abort.js";
import type { Channel, Command } from "./channel.js";
import type { LlamaMemberOptions } from "./load-options.js";
import type { Ready, RequestName, Requests } from "./protocol.js";

/** A single decode on a large model and a slow machine takes seconds; after ten minutes without progress it is hung. */
export const DEFAULT_TIMEOUT_MS = 600_000;
/** How long one may take to free its model before it is ended by force. */
export const CLOSE_TIMEOUT_MS = 30_000;
/** The same for one that has been found hanging, and for the end by force itself. */
export const HUNG_CLOSE_TIMEOUT_MS = 2_000;
/** How often load progress is passed on. */
const PROGRESS_INTERVAL_MS = 50;

export interface EngineHost {
  /** The payload of commands and answers, and the numbers of the last output. */
  readonly channel: Channel;
  /** Whether it has ended, or died. */
  readonly ended: boolean;
  /** The model is loaded. Errors: those of loading, member-failed, member-hung. */
  ready(): Promise<Ready>;
  /** Send a hot-path command with so many bytes of payload, and wait for its answer. */
  call(command: Command, length: number): Promise<void>;
  /** Send a set-up request and wait for its answer. */
  request<N extends RequestName>(name: N, ask: Requests[N]["ask"]): Promise<Requests[N]["reply"]>;
  /** Have it stop loading or decoding. */
  stop(): void;
  /** Let it decode again. */
  resume(): void;
  /** Stop, free the model, end. One that does not answer is ended by force. */
  close(): Promise<void>;
}

/** Wait until the model is loaded, and say how far it is. Errors: aborted, and those of `ready`. */
export async function whenReady(
  host: EngineHost,
  name: string,
  { signal, onProgress }: Pick<LlamaMemberOptions, "signal" | "onProgress">,
): Promise<Ready> {
  const forget = signal && onAbort(signal, () => host.stop());
  const timer = onProgress && setInterval(() => onProgress(host.channel.progress), PROGRESS_INTERVAL_MS);
  try {
    const ready = await host.ready();
    if (signal?.aborted) throw loadingStopped(name, signal);
    onProgress?.(1);
    return ready;
  } catch (error) {
    if (signal?.aborted) throw loadingStopped(name, signal);
    throw error;
  } finally {
    clearInterval(timer);
    forget?.();
  }
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

export function disposedError(name: string): LlamafuseError {
  return new LlamafuseError("disposed", `Member "${name}" has been disposed.`, { member: name });
}

export function loadingStopped(name: string, signal: AbortSignal): LlamafuseError {
  return new LlamafuseError("aborted", `Loading member "${name}" was stopped.`, { member: name }, signal.reason);
}

/** `reason`: what ended it. */
export function stoppedError(name: string, reason: string, cause?: unknown): LlamafuseError {
  const message = `Member "${name}" stopped: ${reason}. Dispose the ensemble and make a new one.`;
  return new LlamafuseError("member-failed", message, { member: name }, cause);
}

export function hungError(name: string, timeoutMs: number): LlamafuseError {
  return new LlamafuseError(
    "member-hung",
    `Member "${name}" made no progress for ${timeoutMs / 1000} s. Dispose the ensemble, or raise timeoutMs for a slow model.`,
    { member: name, found: timeoutMs, option: "timeoutMs" },
  );
}

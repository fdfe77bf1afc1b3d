/** Callbacks of the caller's: what they throw ends the work that they watch, as an error of ours, and nothing else. */
import { LlamafuseError } from "./errors.js";

export interface Watched<Progress> {
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

/**
 * Do work whose `onProgress` may be called from a timer or another thread's message, where a throw would end the process.
 * The first throw (or rejection, of a callback that is async) stops the work by its signal, and no further call is made.
 * Errors: invalid-option, with the caller's error as its cause; those of the work.
 */
export async function withCallback<Options extends Watched<never>, Result>(
  options: Options,
  work: (options: Options) => Promise<Result>,
): Promise<Result> {
  const { onProgress, signal } = options;
  if (onProgress === undefined) return await work(options);
  const controller = new AbortController();
  let failure: LlamafuseError | undefined;
  const fail = (error: unknown) => {
    failure ??= callbackFailed("onProgress", error);
    controller.abort(failure);
  };
  const call = (...progress: Parameters<typeof onProgress>) => {
    if (failure !== undefined) return;
    try {
      const returned: unknown = onProgress(...progress);
      if (returned instanceof Promise) returned.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  const signals = signal === undefined ? [controller.signal] : [signal, controller.signal];
  try {
    const result = await work({ ...options, onProgress: call, signal: AbortSignal.any(signals) });
    return result;
  } catch (error) {
    throw failure ?? error;
  }
}

/**
 * A callback that is called in the course of the work itself, where its throw ends the work: what it throws is an error of
 * ours. A rejection of an async one is thrown by the next call. Error: invalid-option.
 */
export function checkedCallback<Arguments extends unknown[]>(
  callback: ((...told: Arguments) => void) | undefined,
  option = "onProgress",
): ((...told: Arguments) => void) | undefined {
  if (callback === undefined) return undefined;
  let failure: LlamafuseError | undefined;
  return (...told) => {
    if (failure !== undefined) throw failure;
    try {
      const returned: unknown = callback(...told);
      if (!(returned instanceof Promise)) return;
      returned.catch((error: unknown) => {
        failure = callbackFailed(option, error);
      });
    } catch (error) {
      throw callbackFailed(option, error);
    }
  };
}

function callbackFailed(option: string, error: unknown): LlamafuseError {
  const message = error instanceof Error ? error.message : String(error);
  return new LlamafuseError("invalid-option", `${option} threw: ${message}`, { option }, error);
}

/** Between the parts of a long fit. */
import { LlamafuseError } from "../../errors.js";
import type { FitOptions } from "../router.js";

/** What `steps` comes to, with a pause wherever it yields. Errors: aborted. */
export async function inSteps<Result>(steps: Generator<void, Result>, signal?: AbortSignal): Promise<Result> {
  for (;;) {
    const { value, done } = steps.next();
    if (done) return value;
    await pauseFit({ signal }, 0);
  }
}

/** Lets the thread's other work run, notices a cancel, and tells how far the fit is. Errors: aborted. */
export async function pauseFit({ signal, onProgress }: FitOptions, fraction: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal?.aborted) throw new LlamafuseError("aborted", "Fitting the router was stopped.", {}, signal.reason);
  onProgress?.(fraction);
}

/**
 * A process that exits while llama.cpp decodes in a worker thread can crash in native code. At exit every living member
 * is stopped, frees its model and says so; only then does the exit go on.
 */

interface Closable {
  /** Tell it to stop and end, without waiting. */
  closeSoon(): void;
  /** Block until it has ended. */
  waitForEnd(milliseconds: number): void;
}

/** For all members together. A stop reaches a CPU decode within one graph node; only a GPU batch or a swapping machine takes longer. */
const EXIT_TIMEOUT_MS = 5_000;

const living = new Set<Closable>();
let installed = false;

export function remember(member: Closable): void {
  living.add(member);
  if (installed) return;
  installed = true;
  process.on("exit", () => {
    for (const each of living) each.closeSoon();
    const deadline = performance.now() + EXIT_TIMEOUT_MS;
    for (const each of living) each.waitForEnd(Math.max(0, deadline - performance.now()));
  });
}

export function forget(member: Closable): void {
  living.delete(member);
}

/**
 * A process that exits while llama.cpp decodes in a worker thread can crash in native code. At exit every living member
 * is stopped, frees its model and says so; only then does the exit go on.
 */

interface Closable {
  closeNow(milliseconds: number): void;
}

/** A stop reaches a CPU decode within one graph node; only a GPU batch or a swapping machine takes longer. */
const EXIT_TIMEOUT_MS = 5_000;

const living = new Set<Closable>();
let installed = false;

export function remember(member: Closable): void {
  living.add(member);
  if (installed) return;
  installed = true;
  process.on("exit", () => {
    for (const each of living) each.closeNow(EXIT_TIMEOUT_MS);
  });
}

export function forget(member: Closable): void {
  living.delete(member);
}

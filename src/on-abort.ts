/**
 * Waiting for a signal without a listener each: Node prints a warning from the eleventh listener on one signal, and one
 * signal may well cancel a hundred requests.
 */

interface Waiters {
  callbacks: Set<{ run: () => void }>;
  listener: () => void;
}

const waiters = new WeakMap<AbortSignal, Waiters>();

/** Call back when the signal fires, at once where it has fired. Returns what takes the callback back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const entry = { run: callback };
  const known = waiters.get(signal) ?? listenTo(signal);
  known.callbacks.add(entry);
  return () => {
    known.callbacks.delete(entry);
    if (known.callbacks.size > 0) return;
    signal.removeEventListener("abort", known.listener);
    if (waiters.get(signal) === known) waiters.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Waiters {
  const callbacks: Waiters["callbacks"] = new Set();
  const listener = () => {
    for (const { run } of Array.from(callbacks)) run();
  };
  signal.addEventListener("abort", listener, { once: true });
  const made = { callbacks, listener };
  waiters.set(signal, made);
  return made;
}

/**
 * Waiting for another thread without falling asleep and without keeping it from its work.
 *
 * Waking a thread that sleeps takes some 50 µs, a tenth of a tiny model's token or more; a thread that spins instead takes a
 * core from whoever has something to do. One that gives its core up at every look does neither. It still costs a large
 * model's threads a little, so a wait that lasted is followed by one that sleeps at once.
 */
import koffi from "../../llama/koffi.js";

/** How long a thread stays awake so: what fusing and another small member's turn take. */
const AWAKE_MS = 2;

const giveUpCore = findYield();

/** One thread's waits of one kind. */
export class AwakeWait {
  #wasShort = false;

  /** Return when `isOver`, having stayed awake for a while and then slept; `sleep` may return early. */
  until(isOver: () => boolean, sleep: () => void): void {
    const started = performance.now();
    if (this.#wasShort && giveUpCore !== undefined) {
      while (!isOver() && performance.now() - started < AWAKE_MS) giveUpCore();
    }
    if (!isOver()) sleep();
    this.#wasShort = performance.now() - started < AWAKE_MS;
  }
}

function findYield(): (() => void) | undefined {
  const [names, call] =
    process.platform === "win32"
      ? [["kernel32.dll"], "int SwitchToThread()"]
      : [[null, "libc.so.6", "libSystem.dylib"], "int sched_yield()"];
  for (const name of names) {
    try {
      return koffi.load(name).func(call) as () => void;
    } catch {
      // Try the next; without one, every wait sleeps.
    }
  }
  return undefined;
}

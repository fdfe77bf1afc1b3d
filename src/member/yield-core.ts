/**
 * Waiting for another thread without falling asleep and without keeping it from its work.
 *
 * Waking a thread that sleeps takes some 50 µs, more than a tiny model's token may; a thread that spins instead takes a
 * core from whoever has something to do. One that gives its core up at every look does neither: it runs on only where
 * nobody else wants to.
 */
import koffi from "koffi";

/** How long a thread stays awake so: what fusing and another small member's turn take. */
const AWAKE_MS = 2;

const giveUpCore = findYield();

/** Wait until `isOver`, AWAKE_MS or `milliseconds` at most; at once where this platform has no way to give up a core. */
export function waitAwake(isOver: () => boolean, milliseconds = AWAKE_MS): void {
  if (giveUpCore === undefined) return;
  const asleep = performance.now() + Math.min(AWAKE_MS, milliseconds);
  while (!isOver() && performance.now() < asleep) giveUpCore();
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
      // Try the next.
    }
  }
  return undefined;
}

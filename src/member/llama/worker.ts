/** A thread that runs members, one after another: see idle-threads.ts. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort } from "node:worker_threads";
import type { FromThread, ToThread } from "./protocol.js";
import { serveMember } from "./service.js";

/** To find the collector. */
const MOST_ATTEMPTS = 100;

const port = parentPort!;
const collectGarbage = findCollector();

port.on("message", (message: ToThread) => {
  // A request that its member did not live to read.
  if (!("start" in message)) return;
  serveMember(message.start, port);
  collectGarbage();
  port.postMessage({ isFree: true } satisfies FromThread);
});

/**
 * An idle thread collects nothing by itself, and the dead member's references keep the ensemble's shared memory, which V8
 * does not count and which reserves 10 GiB of addresses.
 */
function findCollector(): () => void {
  // The flag is the process's: another thread may turn it off between these lines.
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("globalThis.gc") as (() => void) | undefined;
    setFlagsFromString("--no-expose-gc");
    if (typeof collect === "function") return () => collect();
  }
  return () => {};
}

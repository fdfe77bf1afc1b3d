/**
 * Threads whose member is gone, kept for the next one. A thread that has called native code keeps mappings for good when
 * it ends (koffi's stack and heap, three of them and 3 MiB of addresses, unless koffi frees them one day), so a program
 * that loads and disposes of models all day would run out of them. There are never more threads than members were loaded
 * at once.
 */
import { Worker } from "node:worker_threads";
import { WORKER_OPTIONS, workerFile } from "../../package-files.js";

const idle: Worker[] = [];

/** A thread that nobody has; a new one where none is idle. */
export function takeThread(): Worker {
  return idle.pop() ?? startThread();
}

/** Keep a thread whose member has been freed. It keeps no process alive. */
export function keepThread(thread: Worker): void {
  thread.unref();
  idle.push(thread);
}

function startThread(): Worker {
  const thread = new Worker(workerFile("member-worker"), { ...WORKER_OPTIONS, name: "llamafuse member" });
  // Whose thread it is says what an error means; an idle one has nobody to tell.
  thread.on("error", () => {});
  thread.once("exit", () => {
    const place = idle.indexOf(thread);
    if (place >= 0) idle.splice(place, 1);
  });
  return thread;
}

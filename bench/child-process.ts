/** A process of its own for what has to be measured apart: memory, and libraries that share nothing. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { LlamafuseError } from "../src/errors.js";
import type { ChildTasks } from "./child.js";
import { entryFile } from "./entry-file.js";

export type TaskName = keyof ChildTasks;
export type ChildReply = { result: unknown } | { error: ReturnType<LlamafuseError["toJSON"]> };

export class BenchChild {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(fileURLToPath(entryFile("child")), {
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
  }

  async call<Name extends TaskName>(
    name: Name,
    argument: Parameters<ChildTasks[Name]>[0],
  ): Promise<Awaited<ReturnType<ChildTasks[Name]>>> {
    const stop = new AbortController();
    const { signal } = stop;
    this.#process.send({ name, argument });
    const died = once(this.#process, "exit", { signal }).then(([code, killedBy]) => {
      throw new LlamafuseError(
        "member-failed",
        `The bench's own process ended during ${name} (${killedBy ?? code}), most often for want of memory. Close other programs, or choose smaller sets with --set.`,
        { task: name, found: killedBy ?? code },
      );
    });
    died.catch(() => {});
    try {
      const [reply] = (await Promise.race([once(this.#process, "message", { signal }), died])) as [ChildReply];
      if ("error" in reply) throw LlamafuseError.from(reply.error);
      return reply.result as Awaited<ReturnType<ChildTasks[Name]>>;
    } finally {
      stop.abort();
    }
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.disconnect();
    await exited;
  }
}

/** What the words of `llamafuse eval` mean. */
import { existsSync } from "node:fs";
import { LlamafuseError } from "../../errors.js";
import { everyAfter, type SharedSampling } from "../../evaluation/contenders.js";
import { type LoadTaskOptions, loadTask } from "../../evaluation/loaders/load-task.js";
import { NATIVE_TASK, nativeTask } from "../../evaluation/native-task.js";
import type { Task } from "../../evaluation/task.js";
import type { SystemOptions } from "../../systems.js";
import { readMethod } from "../method-words.js";

/** `native`, a file, or `FORMAT:FILE`; bad records are in the task's `skipped`. Errors: those of nativeTask and loadTask. */
export function readTask(word: string, options: Pick<LoadTaskOptions, "metric" | "split">): Promise<Task> {
  if (word === NATIVE_TASK) return nativeTask(options);
  // One letter before a colon is a drive.
  const [, format, file] = /^([a-z0-9-]{2,}):(.+)$/s.exec(word) ?? [];
  const reading = { ...options, skipBad: true };
  return format === undefined || existsSync(word) ? loadTask(word, reading) : loadTask(file, { ...reading, format });
}

/** The selections and regenerations of `all`, or of `all:samples=3,temperature=1`. Errors: invalid-option. */
export function readSelections(word: string): SystemOptions[] {
  const { name, ...sampling } = readMethod(word) as { name: string } & SharedSampling;
  if (name === "all") return everyAfter(sampling);
  const message = `--after is ${JSON.stringify(name)}; allowed is all, or all:samples=5,temperature=0.7. Name one method with -M.`;
  throw new LlamafuseError("invalid-option", message, { option: "--after", found: name, allowed: "all" });
}

/** Tasks to choose or to learn by, `native` if none is named: of the native questions not those that eval asks. */
export function readDevelopmentTasks(
  words: readonly string[],
  options: Pick<LoadTaskOptions, "metric" | "split">,
): Promise<Task[]> {
  const { split = "development" } = options;
  const named = words.length > 0 ? words : [NATIVE_TASK];
  return Promise.all(named.map((word) => readTask(word, word === NATIVE_TASK ? { ...options, split } : options)));
}

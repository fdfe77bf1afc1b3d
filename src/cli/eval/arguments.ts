/** What the words of `llamafuse eval` mean. */
import { existsSync } from "node:fs";
import { type LoadTaskOptions, loadTask } from "../../evaluation/loaders/load-task.js";
import { NATIVE_TASK, nativeTask } from "../../evaluation/native-task.js";
import type { Task } from "../../evaluation/task.js";

/** `native`, a file, or `FORMAT:FILE`. Errors: those of loadTask. */
export function readTask(word: string, options: Pick<LoadTaskOptions, "metric" | "split">): Promise<Task> {
  if (word === NATIVE_TASK) return nativeTask(options);
  // One letter before a colon is a drive.
  const [, format, file] = /^([a-z0-9-]{2,}):(.+)$/s.exec(word) ?? [];
  return format === undefined || existsSync(word) ? loadTask(word, options) : loadTask(file, { ...options, format });
}

/** What the words of `llamafuse eval` mean: tasks and methods. */
import { existsSync } from "node:fs";
import type { MethodOptions } from "../../during/methods.js";
import { LlamafuseError } from "../../errors.js";
import { type LoadTaskOptions, loadTask } from "../../evaluation/loaders/load-task.js";
import { NATIVE_TASK, nativeTask } from "../../evaluation/native-task.js";
import type { Task } from "../../evaluation/task.js";
import { nestedOptions, parseValue } from "../options.js";

/** `native`, a file, or `FORMAT:FILE`. Errors: those of nativeTask and loadTask. */
export function readTask(word: string, options: Pick<LoadTaskOptions, "metric" | "split">): Promise<Task> {
  if (word === NATIVE_TASK) return nativeTask(options);
  // One letter before a colon is a drive.
  const [, format, file] = /^([a-z0-9-]{2,}):(.+)$/s.exec(word) ?? [];
  return format === undefined || existsSync(word) ? loadTask(word, options) : loadTask(file, { ...options, format });
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

/** `NAME`, or `NAME:OPTION=VALUE,…`. Errors: invalid-option; whether names and values are right is for the method to say. */
export function readMethod(word: string): MethodOptions {
  const [, name, rest] = /^([^:]+)(?::(.+))?$/s.exec(word) ?? [];
  const pairs = (rest?.split(",") ?? []).map((part) => /^([^=]+)=(.*)$/s.exec(part)?.slice(1));
  if (name === undefined || !pairs.every((pair) => pair !== undefined && pair[0] !== "name")) {
    const message = `--method needs NAME or NAME:OPTION=VALUE, such as unite:k=20; found ${JSON.stringify(word)}.`;
    throw new LlamafuseError("invalid-option", message, {
      found: word,
      allowed: "NAME:OPTION=VALUE,…",
      option: "--method",
    });
  }
  const options = nestedOptions(pairs.map((pair) => [pair![0], parseValue(pair![1])]));
  return { ...options, name } as MethodOptions;
}

/** The questions that come with the native models: what none of them was trained on. */
import path from "node:path";
import { unknownName } from "../errors.js";
import { nativeModels } from "../native-models.js";
import { type LoadTaskOptions, loadTask } from "./loaders/load-task.js";
import type { Task } from "./task.js";

export const NATIVE_TASK = "native";

const FILES: Readonly<Record<string, string>> = { test: "questions.jsonl", development: "development.jsonl" };

/**
 * The test split, or the development split. Answers of the native models are sentences: one is right that contains an
 * accepted answer. Errors: invalid-option for another split.
 */
export async function nativeTask(options: Pick<LoadTaskOptions, "metric" | "split"> = {}): Promise<Task> {
  const { metric = "contains", split = "test" } = options;
  if (!Object.hasOwn(FILES, split)) throw unknownName("split of the native questions", split, Object.keys(FILES));
  const folder = path.dirname(nativeModels()[0].path);
  return loadTask(path.join(folder, FILES[split]), { name: NATIVE_TASK, metric, prompt: "question", maxTokens: 40 });
}

/** The questions that come with the native models: what none of them was trained on. */
import path from "node:path";
import { nativeModels } from "../native-models.js";
import { type LoadTaskOptions, loadTask } from "./loaders/load-task.js";
import type { Task } from "./task.js";

export const NATIVE_TASK = "native";

/**
 * The test split, or another one by its name. Answers of the native models are sentences: one is right that contains an
 * accepted answer.
 */
export function nativeTask(options: Pick<LoadTaskOptions, "metric" | "split"> = {}): Promise<Task> {
  const { metric = "contains", split = "test" } = options;
  const folder = path.dirname(nativeModels()[0].path);
  const file = path.join(folder, split === "test" ? "questions.jsonl" : `${split}.jsonl`);
  return loadTask(file, { name: NATIVE_TASK, metric, prompt: "question", maxTokens: 40 });
}

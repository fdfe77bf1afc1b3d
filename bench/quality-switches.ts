/** The switching models of cds and citer that `bench quality` trains for a team, on questions that it does not ask. */
import { mkdtemp } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { MethodOptions } from "../src/during/methods.js";
import type { Task } from "../src/evaluation/task.js";
import { writeWhole } from "../src/files.js";
import { nativeModel } from "../src/native-models.js";
import { createEnsemble } from "../src/systems.js";
import { examplesOf } from "../src/training/example.js";
import { trainCds } from "../src/training/train-cds.js";
import { trainCiter } from "../src/training/train-citer.js";
import type { Team } from "./quality-teams.js";

/** A method with a trained switching model, by the name of its row. */
export interface SwitchRow {
  title: string;
  method: MethodOptions;
}

/** A folder of its own for trained switching models; who asks for it removes it. */
export function switchFolder(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), "llamafuse-switches-"));
}

/** Train a team's switching models on a task, and write them into the folder. Errors: those of the trainings. */
export async function trainSwitches(
  { switches }: Team,
  task: Task,
  { folder, seed, onProgress }: { folder: string; seed: number; onProgress?: (what: string) => void },
): Promise<SwitchRow[]> {
  const examples = examplesOf(task);
  const trained: SwitchRow[] = [];
  for (const { method, leader, other, rows } of switches) {
    onProgress?.(`training ${method} on ${examples.length} questions`);
    const members = [leader, other].map((name) => ({ name, model: nativeModel(name).path, threads: 1 }));
    const ensemble = await createEnsemble({ members, gpu: false });
    try {
      const [first, second] = ensemble.members;
      const train = method === "cds" ? trainCds : trainCiter;
      const file = path.join(folder, `${method}-${leader}-${other}.json`);
      await writeWhole(file, JSON.stringify(await train(first, second, { examples, seed })));
      const roles = method === "cds" ? { knowledge: other, classifier: file } : { small: leader, router: file };
      for (const options of rows) {
        const listed = Object.entries(options).map(([option, value]) => `${option}=${value}`);
        const words = [method, ...(method === "cds" ? ["classifier=trained"] : []), ...listed];
        trained.push({ title: words.join(" "), method: { name: method, ...roles, ...options } as MethodOptions });
      }
    } finally {
      await ensemble.dispose();
    }
  }
  return trained;
}

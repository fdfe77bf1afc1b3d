/** The real tables of outcomes that routers are measured on. */
import path from "node:path";
import { foldsOf, type SplitOptions, type Splits, splitOf } from "../src/before/evaluation/splits.js";
import { readOutcomeTable } from "../src/before/table/read.js";
import { type Missing, missingAmong, projectPath } from "./choose-sets.js";

export const ROUTING_FOLDER = projectPath("../shared/routing");

export interface RoutingTable {
  name: string;
  /** Paths within the folder; several are one table. */
  train: readonly string[];
  test?: readonly string[];
  /** Without a test table. */
  folds?: number;
}

const DC_TASKS = {
  "ARC-C": ["arc_challenge_train", "arc_challenge_test"],
  GSM8K: ["gsm8k-train", "gsm8k-test"],
  HumanEval: ["humaneval_train", "humaneval_test"],
  MMLU: ["mmlu_train", "mmlu_test"],
} as const;
const ofDc = (tasks: readonly (readonly string[])[], half: number) =>
  tasks.map((task) => `routerdc/${task[half]}.json`);
const bench = (name: string, file: string): RoutingTable => ({
  name: `RouterBench ${name}`,
  train: [`routerbench/${file}_train.csv`],
  test: [`routerbench/${file}_test.csv`],
});
const dc = (name: string, tasks: readonly (readonly string[])[]): RoutingTable => ({
  name,
  train: ofDc(tasks, 0),
  test: ofDc(tasks, 1),
});

/** RouterDC's tasks together, as its paper trains on them, and each alone. */
export const ROUTING_TABLES: readonly RoutingTable[] = [
  bench("ARC-C", "arc_challenge"),
  bench("Winogrande", "winograde"),
  dc("RouterDC", Object.values(DC_TASKS)),
  ...Object.entries(DC_TASKS).map(([name, task]) => dc(`RouterDC ${name}`, [task])),
  { name: "RouteLLM GSM8K", train: ["routellm/gsm8k_responses.csv"], folds: 5 },
  { name: "RouteLLM MMLU", train: ["routellm/mmlu"], folds: 2 },
];

export function missingTables({ train, test = [] }: RoutingTable, folder: string): Missing | undefined {
  const files = [...train, ...test].map((file) => path.join(folder, file));
  return missingAmong(files, () => "Give the folder with the tables: --folder");
}

/** The table as it is fitted on and evaluated on. */
export async function splitsOf(
  { train, test, folds }: RoutingTable,
  folder: string,
  options: SplitOptions,
): Promise<Splits> {
  const read = (files: readonly string[]) => readOutcomeTable(files.map((file) => path.join(folder, file)));
  const learned = await read(train);
  return test === undefined ? foldsOf(learned, folds ?? 2, options) : splitOf(learned, await read(test), options);
}

/**
 * `bench quality`: what every method makes of the native models' test questions, against each member alone, the best of
 * them, and the oracle.
 *
 * Speed is compared with the members' bare steps: side by side a fused step could be as fast as the slowest member's, in
 * turn as all of theirs together. Both are of the same run, taken question by question.
 */
import type { MethodOptions } from "../during/methods.js";
import { LlamafuseError } from "../errors.js";
import { everyMethod } from "../evaluation/contenders.js";
import { nativeTask } from "../evaluation/native-task.js";
import { type EvaluationReport, type Row, summarise, type TaskReport } from "../evaluation/report/summary.js";
import { evaluate } from "../evaluation/run.js";
import type { Schedule } from "../member/plan.js";
import { type NativeModel, nativeModel, nativeModels } from "../native-models.js";
import { machineFacts } from "./machine.js";
import type { BenchOptions, BenchReport, BenchTable, Cell, Column } from "./report.js";
import { sum } from "./statistics.js";

/** Forms of methods that are published beside the defaults. */
const VARIANTS: MethodOptions[] = [{ name: "gac", gate: "threshold" }];
const SEED = 0;

/** Who is fused: members that know different things, that differ in strength, and that share a vocabulary. */
const TEAMS: Record<string, () => NativeModel[]> = {
  experts: nativeModels,
  "weak and strong": () => ["sparrow", "raven"].map(nativeModel),
  siblings: () => ["sparrow", "swift"].map(nativeModel),
};

export async function benchQuality(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const tables: BenchTable[] = [];
  const notes: string[] = [];
  for (const [name, modelsOf] of Object.entries(TEAMS)) {
    if (options.sets?.includes(name) === false) continue;
    const models = present(modelsOf);
    if (models instanceof LlamafuseError) {
      notes.push(`${name} left out: ${models.message}`);
      continue;
    }
    options.onProgress?.(name);
    const report = await measure(models);
    tables.push(...report.tasks.map((task) => qualityTable(name, task, report)));
    notes.push(...report.notes.map((note) => `${name}: ${note}`));
  }
  return {
    name: "quality",
    about: [
      "percent of the native models' test questions answered rightly, greedy; brackets are 95 % bootstrap intervals.",
      '"vs best" is the paired difference to the best member over all questions, "weakest" the largest loss (or least gain) against the member that is best at a skill.',
      '"of bare" is the speed of a step over that of the members\' bare steps.',
    ],
    machine: machineFacts(),
    settings: { seed: SEED, questions: (await nativeTask()).questions.length },
    tables,
    notes,
  };
}

async function measure(models: readonly NativeModel[]): Promise<EvaluationReport> {
  const evaluation = await evaluate({
    members: models.map(({ name, path }) => ({ name, model: path, threads: 1 })),
    methods: [...everyMethod(), ...VARIANTS],
    tasks: [await nativeTask()],
    seed: SEED,
    gpu: false,
    // What a step takes is to be seen without other questions beside it.
    lanes: 1,
  });
  return summarise(evaluation);
}

/** One row for each contender. */
export function qualityTable(
  team: string,
  task: TaskReport,
  { settings }: Pick<EvaluationReport, "settings">,
): BenchTable {
  const tags = Object.keys(task.tags);
  const bare = bareStepsPerSecond(task.rows, settings.schedule);
  return {
    title: `${team}: ${task.count} questions, members ${settings.schedule === "parallel" ? "in parallel" : "in turn"}`,
    columns: [
      { key: "who", title: "who answers" },
      { key: "all", title: "all", digits: 1 },
      ...tags.map((tag): Column => ({ key: `tag ${tag}`, title: tag, digits: 1 })),
      { key: "difference", title: `vs best (${task.bestMember})`, digits: 1 },
      { key: "weakest", title: "weakest", digits: 1 },
      { key: "weakestTag", title: "at" },
      { key: "tokens", title: "tokens", digits: 1 },
      { key: "stepsPerSecond", title: "steps/s", digits: 0 },
      { key: "ofBare", title: "of bare", digits: 2 },
    ],
    rows: task.rows.map((row) => ({
      who: row.kind === "member" ? `${row.name} alone` : row.name,
      all: inPercent(row.all),
      ...Object.fromEntries(tags.map((tag) => [`tag ${tag}`, inPercent(row.tags[tag])])),
      difference: row.difference === undefined ? null : inPercent(row.difference),
      weakest: row.weakest === undefined ? null : inPercent(row.weakest.difference),
      weakestTag: row.weakest?.tag ?? "",
      tokens: row.cost.tokens,
      stepsPerSecond: row.kind === "oracle" ? null : row.cost.stepsPerSecond,
      ofBare: row.kind === "method" && row.cost.stepsPerSecond !== null ? row.cost.stepsPerSecond / bare : null,
    })),
  };
}

/** Steps that the members could take together without fusing. */
function bareStepsPerSecond(rows: readonly Row[], schedule?: Schedule): number {
  const rates = rows.filter(({ kind }) => kind === "member").map(({ cost }) => cost.stepsPerSecond ?? Number.NaN);
  return schedule === "parallel" ? Math.min(...rates) : 1 / sum(rates.map((rate) => 1 / rate));
}

function inPercent({ value, low, high }: { value: number; low: number; high: number }): Cell {
  return { value: 100 * value, low: 100 * low, high: 100 * high };
}

function present(modelsOf: () => NativeModel[]): NativeModel[] | LlamafuseError {
  try {
    return modelsOf();
  } catch (error) {
    if (error instanceof LlamafuseError) return error;
    throw error;
  }
}

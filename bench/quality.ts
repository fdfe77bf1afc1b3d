/**
 * `bench quality`: what every method makes of the native models' test questions, against each member alone, the best of
 * them, and the oracle.
 *
 * Speed is compared with the members' bare steps: side by side a fused step could be as fast as the slowest member's, in
 * turn as all of theirs together. Both are of the same run, taken question by question. A method that does not ask every
 * member at every step can be faster than that.
 */
import { rm } from "node:fs/promises";
import type { Schedule } from "../src/decoding/schedule.js";
import { titleOf } from "../src/evaluation/contenders.js";
import { nativeTask } from "../src/evaluation/native-task.js";
import { type EvaluationReport, type Row, summarise, type TaskReport } from "../src/evaluation/report/summary.js";
import { drawQuestions } from "../src/evaluation/requests.js";
import { type EvaluateOptions, type Evaluation, evaluate } from "../src/evaluation/run.js";
import type { Task } from "../src/evaluation/task.js";
import { nativeModel } from "../src/native-models.js";
import { chooseSets, projectPath } from "./choose-sets.js";
import { machineFacts } from "./machine.js";
import { missingModels } from "./model-sets.js";
import { meanOverSeeds, withRows } from "./quality-rows.js";
import { type SwitchRow, switchFolder, trainSwitches } from "./quality-switches.js";
import { SAMPLED, TEAMS, type Team } from "./quality-teams.js";
import type { BenchOptions, BenchReport, BenchTable, Cell, Column } from "./report.js";
import { sum } from "./statistics.js";

const SEED = 0;
/** Of the sampled rows, each a run of its own. */
const SAMPLED_SEEDS = [0, 1, 2];
const TEMPERATURE = 1;
/** With fewer questions a training may meet one kind of token only. */
const FEWEST_EXAMPLES = 60;

export async function benchQuality(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const { limit, sets, onProgress } = options;
  const task = drawQuestions(await nativeTask(), limit, SEED);
  const examples = limit === undefined ? undefined : Math.max(limit, FEWEST_EXAMPLES);
  const development = drawQuestions(await nativeTask({ split: "development" }), examples, SEED);
  const tables: BenchTable[] = [];
  const { sets: teams, notes } = chooseSets("quality", TEAMS, sets, ({ members }) =>
    missingModels(members.map((name) => projectPath(`native-models/${name}.gguf`))),
  );
  const schedules: Record<string, Schedule | undefined> = {};
  for (const team of teams) {
    const report = await measure(team, task, development, (what) => onProgress?.(`${team.name}: ${what}`));
    schedules[team.name] = report.settings.schedule;
    tables.push(qualityTable(team.name, report.tasks[0], report));
    const unsuited = Object.entries(team.unsuited ?? {});
    notes.push(...unsuited.map(([method, why]) => `${team.name}: ${method} does not apply: ${why}`));
    notes.push(...report.notes.map((note) => `${team.name}: ${note}`));
  }
  return {
    name: "quality",
    about: [
      "percent of correct answers on the native models' test questions, greedy unless stated otherwise; brackets are 95 % bootstrap intervals.",
      '"vs best" is the paired difference to the best member over all questions; "weakest" is the largest loss (or smallest gain) on any skill against the best member for that skill.',
      '"of bare" is the speed of a step divided by the speed of bare decoding: of the slowest member when members decode in parallel, of all members in sequence when they decode in turn.',
      "The first step of packllm includes a second pass over the prompt, which sets its weights.",
      "The switching models of cds and citer are trained on the development split. The notes list methods that a team cannot run.",
    ],
    machine: machineFacts(),
    settings: { seed: SEED, questions: task.questions.length, examples: development.questions.length, schedules },
    tables,
    notes,
  };
}

async function measure(
  team: Team,
  task: Task,
  development: Task,
  onProgress: (what: string) => void,
): Promise<EvaluationReport> {
  const folder = await switchFolder();
  try {
    const trained = await trainSwitches(team, development, { folder, seed: SEED, onProgress });
    const greedy = await ask(team, task, onProgress, {
      methods: [...team.methods, ...trained.map(({ method }) => method)],
      leaveOutMisfits: true,
    });
    const named = withTitles(greedy, trained);
    if (!team.isSampled) return summarise(named);
    const sampled: Evaluation[] = [];
    for (const seed of SAMPLED_SEEDS) {
      sampled.push(
        await ask(team, task, onProgress, { methods: SAMPLED, generation: { temperature: TEMPERATURE }, seed }),
      );
    }
    const suffix = `, temperature ${TEMPERATURE}, mean of ${SAMPLED_SEEDS.length} seeds`;
    return summarise(withRows(named, meanOverSeeds(sampled), suffix));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ask(
  { members }: Team,
  task: Task,
  onProgress: (what: string) => void,
  options: Pick<EvaluateOptions, "methods" | "leaveOutMisfits" | "generation" | "seed">,
): Promise<Evaluation> {
  let tenth = -1;
  return evaluate({
    seed: SEED,
    ...options,
    members: members.map((name) => ({ name, model: nativeModel(name).path, threads: 1 })),
    tasks: [task],
    gpu: false,
    // A step's time must be measured without other questions running.
    lanes: 1,
    onAnswer: ({ done, total }) => {
      const now = Math.floor((10 * done) / total);
      if (now === tenth) return;
      tenth = now;
      onProgress(`${done} of ${total} answers`);
    },
  });
}

/** Rows with trained switching models by names that do not tell of a temporary file. */
function withTitles(evaluation: Evaluation, trained: readonly SwitchRow[]): Evaluation {
  const titles = new Map(trained.map(({ title, method }) => [titleOf(method), title]));
  const contenders = evaluation.contenders.map((each) => ({ ...each, name: titles.get(each.name) ?? each.name }));
  return { ...evaluation, contenders };
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
    title: `${team}: ${task.count} questions`,
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

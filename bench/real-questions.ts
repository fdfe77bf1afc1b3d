/** The parts of `bench real` on GSM8K: right answers, and speeds, of members and methods, as a user would ask them. */
import type { Answer, AnswerRequest } from "../src/answers/answer-cache.js";
import { loadTask } from "../src/evaluation/loaders/load-task.js";
import { metricNamed, type TextMetric } from "../src/evaluation/metrics/metrics.js";
import type { Question, Task } from "../src/evaluation/task.js";
import { settleAll } from "../src/settle-all.js";
import { meanInterval, pairedDifference } from "../src/statistics.js";
import type { Outcome, RealAnswers, RealContender } from "./real-models.js";
import type { BenchTable, Cell, Column } from "./report.js";
import { spreadOf, sum } from "./statistics.js";

const QUESTIONS = 60;
const TIMED_QUESTIONS = 4;
const MAX_TOKENS = 200;
const SEED = 0;
/** Fewer tokens say little about a speed. */
const FEW_TOKENS = 8;

const ANSWERS: Column[] = [
  { key: "who", title: "who answers" },
  { key: "questions", title: "questions", digits: 0 },
  { key: "right", title: "right, %", digits: 1 },
  { key: "difference", title: "vs best member", digits: 1 },
  { key: "tokens", title: "tokens", digits: 0 },
  { key: "ended", title: "ended by itself, %", digits: 0 },
];
const SPEEDS: Column[] = [
  { key: "who", title: "who answers" },
  { key: "questions", title: "questions", digits: 0 },
  { key: "prompt", title: "prompt, s" },
  { key: "tokensPerSecond", title: "tokens/s", digits: 1 },
];

export interface QuestionsRun {
  answers: Pick<RealAnswers, "has" | "outcome">;
  contenders: readonly RealContender[];
  file: string;
  limit?: number;
  onProgress?: (what: string) => void;
}

export interface Part {
  table: BenchTable;
  notes: string[];
}

/** Answers by contender, each in the order of the questions. */
interface Asked {
  task: Task;
  /** Those that every contender answered but those who refused. */
  questions: readonly Question[];
  answers: Map<RealContender, Answer[]>;
  notes: string[];
}

export async function askQuestions(run: QuestionsRun): Promise<Part> {
  const asked = await ask(run, run.limit ?? QUESTIONS);
  return { table: tableOf(asked), notes: asked.notes };
}

/** How fast they answer: of answers made now, by members that have the machine to themselves. */
export async function timeQuestions(run: QuestionsRun): Promise<Part> {
  const { questions, answers, notes } = await ask(run, run.limit ?? TIMED_QUESTIONS, true);
  const rows = run.contenders.map((contender) => speedsOf(contender, answers.get(contender)!));
  const title = `Speed on the first ${questions.length} questions of GSM8K, at most ${MAX_TOKENS} tokens`;
  return { table: { title, columns: SPEEDS, rows }, notes };
}

/** One question after another, each to everyone, so that wherever a run stops all have answered the same ones. */
async function ask(run: QuestionsRun, limit: number, oneByOne = false): Promise<Asked> {
  const task = await loadTask(run.file, { name: "GSM8K" });
  const wanted = task.questions.slice(0, limit);
  const answers = new Map(run.contenders.map((contender): [RealContender, Answer[]] => [contender, []]));
  const notes = new Set<string>();
  const isAlone = ({ respondent }: RealContender) => respondent.members.length === 1;
  // Members side by side, as each has a core of its own, then the methods, which take them all.
  const [alone, fused] = oneByOne
    ? [[], run.contenders]
    : [run.contenders.filter(isAlone), run.contenders.filter((contender) => !isAlone(contender))];
  let complete = 0;
  for (const question of wanted) {
    let outcomes = await settleAll(alone.map((contender) => askOne(contender, question)));
    for (const contender of fused) outcomes = [...outcomes, await askOne(contender, question)];
    if (outcomes.includes(undefined)) break;
    complete++;
  }
  if (complete < wanted.length)
    notes.add(`GSM8K: time ran out after ${complete} of ${wanted.length} questions; figures are of those.`);
  return {
    task,
    questions: wanted.slice(0, complete),
    answers: new Map(Array.from(answers, ([contender, own]) => [contender, own.slice(0, complete)])),
    notes: [...notes],
  };

  async function askOne(contender: RealContender, question: Question): Promise<Outcome> {
    const request = requestOf(question);
    const isKnown = run.answers.has(contender, request);
    const outcome = await run.answers.outcome(contender, request);
    if (outcome === undefined) return undefined;
    if ("refused" in outcome) notes.add(`${contender.name} left out: ${outcome.refused}`);
    else answers.get(contender)!.push(outcome.answer);
    if (!isKnown)
      run.onProgress?.(`GSM8K: ${contender.name}, question ${wanted.indexOf(question) + 1} of ${wanted.length}`);
    return outcome;
  }
}

/** The question alone, in each member's own chat format. */
function requestOf({ question }: Question): AnswerRequest {
  return {
    prompt: [{ role: "user", content: question }],
    generation: { temperature: 0, maxTokens: MAX_TOKENS, stop: [] },
    seed: SEED,
  };
}

function tableOf({ task, questions, answers }: Asked): BenchTable {
  const metric = metricNamed(task.metric) as TextMetric;
  const grades = new Map(
    Array.from(answers, ([contender, own]): [RealContender, number[]] => [
      contender,
      // Who refused one question is left out whole.
      own.length < questions.length ? [] : own.map(({ text }, place) => metric.grade(questions[place], text)),
    ]),
  );
  const members = [...grades.keys()].filter(({ respondent }) => respondent.members.length === 1);
  const rightOf = (contender: RealContender) => sum(grades.get(contender)!);
  const best = members.reduce((one, other) => (rightOf(other) > rightOf(one) ? other : one));
  const rows = Array.from(grades, ([contender, graded]) => {
    const own = answers.get(contender)!;
    const isEmpty = graded.length === 0;
    return {
      who: contender.name,
      questions: graded.length,
      right: isEmpty ? null : percent(meanInterval(graded)),
      difference: isEmpty || contender === best ? null : percent(pairedDifference(graded, grades.get(best)!)),
      tokens: isEmpty ? null : sum(own.map(({ steps }) => steps)) / own.length,
      ended: isEmpty ? null : (100 * own.filter(({ finishReason }) => finishReason === "stop").length) / own.length,
    };
  });
  const title = `GSM8K, the first ${questions.length} questions, at most ${MAX_TOKENS} tokens`;
  return { title, columns: ANSWERS, rows };
}

function speedsOf({ name }: RealContender, answers: readonly Answer[]): Record<string, Cell> {
  const rates = answers
    .filter(({ steps }) => steps >= FEW_TOKENS)
    .map(({ steps, seconds, promptSeconds }) => (steps - 1) / (seconds - promptSeconds));
  return {
    who: name,
    questions: answers.length,
    prompt: answers.length === 0 ? null : spreadOf(answers.map(({ promptSeconds }) => promptSeconds)),
    tokensPerSecond: rates.length === 0 ? null : spreadOf(rates),
  };
}

function percent({ value, low, high }: { value: number; low: number; high: number }): Cell {
  return { value: 100 * value, low: 100 * low, high: 100 * high };
}

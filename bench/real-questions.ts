/** The part of `bench real` on GSM8K: right answers and speeds of members and methods, as a user would ask them. */
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
const MAX_TOKENS = 200;
const SEED = 0;
/** Fewer tokens say little about a speed. */
const FEW_TOKENS = 8;

const COLUMNS: Column[] = [
  { key: "who", title: "who answers" },
  { key: "questions", title: "questions", digits: 0 },
  { key: "right", title: "right, %", digits: 1 },
  { key: "difference", title: "vs best member", digits: 1 },
  { key: "tokens", title: "tokens", digits: 0 },
  { key: "ended", title: "ended by itself, %", digits: 0 },
  { key: "prompt", title: "prompt, s" },
  { key: "tokensPerSecond", title: "tokens/s", digits: 1 },
];

export interface QuestionsRun {
  answers: Pick<RealAnswers, "has" | "outcome">;
  /** In the order in which they are worth waiting for: each group is asked all questions before the next. */
  groups: readonly (readonly RealContender[])[];
  file: string;
  limit?: number;
  onProgress?: (what: string) => void;
}

/** Answers by contender, then by question; undefined where time ran out. */
type Answers = Map<RealContender, (Answer | undefined)[]>;

export async function askQuestions(run: QuestionsRun): Promise<{ table: BenchTable; notes: string[] }> {
  const task = await loadTask(run.file, { name: "GSM8K" });
  const questions = task.questions.slice(0, run.limit ?? QUESTIONS);
  const answers: Answers = new Map(run.groups.flat().map((contender) => [contender, []]));
  const notes = new Set<string>();
  for (const group of run.groups) {
    for (const [place, question] of questions.entries()) await askGroup(group, place, question);
  }
  return { table: tableOf(task, questions, answers, run.groups), notes: [...notes] };

  /** Members side by side, as each has a core of its own, then the methods, which take them all. */
  async function askGroup(group: readonly RealContender[], place: number, question: Question): Promise<void> {
    const isAlone = ({ respondent }: RealContender) => respondent.members.length === 1;
    await settleAll(group.filter(isAlone).map((contender) => askOne(contender, place, question)));
    for (const contender of group) if (!isAlone(contender)) await askOne(contender, place, question);
  }

  async function askOne(contender: RealContender, place: number, question: Question): Promise<void> {
    const request = requestOf(question);
    const isKnown = run.answers.has(contender, request);
    const outcome: Outcome = await run.answers.outcome(contender, request);
    if (outcome === undefined) return;
    if ("refused" in outcome) return void notes.add(`${contender.name} left out: ${outcome.refused}`);
    answers.get(contender)![place] = outcome.answer;
    if (!isKnown) run.onProgress?.(`GSM8K: ${contender.name}, question ${place + 1} of ${questions.length}`);
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

function tableOf(
  task: Task,
  questions: readonly Question[],
  answers: Answers,
  groups: QuestionsRun["groups"],
): BenchTable {
  const metric = metricNamed(task.metric) as TextMetric;
  const gradesOf = (contender: RealContender) =>
    questions.map((question, place) => {
      const answer = answers.get(contender)![place];
      return answer === undefined ? undefined : metric.grade(question, answer.text);
    });
  const contenders = groups.flat();
  const grades = new Map(contenders.map((contender) => [contender, gradesOf(contender)]));
  const members = contenders.filter(({ respondent }) => respondent.members.length === 1);
  const rightOf = (contender: RealContender) => sum(grades.get(contender)!.map((grade) => grade ?? 0));
  const best = members.reduce((one, other) => (rightOf(other) > rightOf(one) ? other : one));
  const rows = contenders.map((contender) => {
    const own = answers.get(contender)!.filter((answer) => answer !== undefined);
    const graded = grades.get(contender)!;
    const both = graded.flatMap((grade, place) => {
      const other = grades.get(best)![place];
      return grade === undefined || other === undefined ? [] : [[grade, other]];
    });
    return {
      who: contender.name,
      questions: own.length,
      right: own.length === 0 ? null : percent(meanInterval(graded.filter((grade) => grade !== undefined))),
      difference:
        both.length === 0 || contender === best
          ? null
          : percent(
              pairedDifference(
                both.map(([grade]) => grade),
                both.map(([, other]) => other),
              ),
            ),
      ...figuresOf(own),
    };
  });
  return { title: `GSM8K, ${questions.length} questions, at most ${MAX_TOKENS} tokens`, columns: COLUMNS, rows };
}

function figuresOf(answers: readonly Answer[]): Record<string, Cell> {
  if (answers.length === 0) return { tokens: null, ended: null, prompt: null, tokensPerSecond: null };
  const rates = answers
    .filter(({ steps }) => steps >= FEW_TOKENS)
    .map(({ steps, seconds, promptSeconds }) => (steps - 1) / (seconds - promptSeconds));
  return {
    tokens: sum(answers.map(({ steps }) => steps)) / answers.length,
    ended: (100 * answers.filter(({ finishReason }) => finishReason === "stop").length) / answers.length,
    prompt: spreadOf(answers.map(({ promptSeconds }) => promptSeconds)),
    tokensPerSecond: rates.length === 0 ? null : spreadOf(rates),
  };
}

function percent({ value, low, high }: { value: number; low: number; high: number }): Cell {
  return { value: 100 * value, low: 100 * low, high: 100 * high };
}

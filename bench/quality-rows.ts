/** Rows of `bench quality` that are put together from several runs. */
import type { Answer } from "../src/answers/answer-cache.js";
import type { EvaluatedTask, Evaluation, GradedAnswer } from "../src/evaluation/run.js";

/**
 * The methods of evaluations that differ in their seed alone, each question's grade and cost the mean over the seeds.
 * Intervals are then of the questions; how far one sample strays is averaged out.
 */
export function meanOverSeeds(evaluations: readonly Evaluation[]): Pick<Evaluation, "contenders" | "tasks"> {
  const [first] = evaluations;
  const places = first.contenders.flatMap(({ kind }, place) => (kind === "method" ? [place] : []));
  const tasks = first.tasks.map(({ task, graded }, index) => ({
    task,
    graded: graded.map((_, question) =>
      places.map((place) => meanAnswer(evaluations.map(({ tasks }) => tasks[index].graded[question][place]))),
    ),
  }));
  return { contenders: places.map((place) => first.contenders[place]), tasks };
}

function meanAnswer(graded: readonly GradedAnswer[]): GradedAnswer {
  const answers = graded.flatMap(({ answer }) => answer ?? []);
  const grade = mean(graded.map(({ grade }) => grade));
  if (answers.length === 0) return { ...graded[0], grade };
  const meanOf = (figure: (answer: Answer) => number) => mean(answers.map(figure));
  const answer: Answer = {
    ...answers[0],
    steps: meanOf(({ steps }) => steps),
    tokens: answers[0].tokens.map((_, member) => meanOf(({ tokens }) => tokens[member])),
    seconds: meanOf(({ seconds }) => seconds),
    promptSeconds: meanOf(({ promptSeconds }) => promptSeconds),
  };
  return { grade, answer };
}

/** An evaluation with more contenders, whose names get an ending. Both have the same questions. */
export function withRows(
  evaluation: Evaluation,
  { contenders, tasks }: Pick<Evaluation, "contenders" | "tasks">,
  ending: string,
): Evaluation {
  const together = ({ task, graded }: EvaluatedTask, index: number): EvaluatedTask => ({
    task,
    graded: graded.map((all, question) => [...all, ...tasks[index].graded[question]]),
  });
  return {
    ...evaluation,
    contenders: [...evaluation.contenders, ...contenders.map((each) => ({ ...each, name: each.name + ending }))],
    tasks: evaluation.tasks.map(together),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

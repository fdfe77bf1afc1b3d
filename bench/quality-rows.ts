/** Rows of `bench quality` that are put together from several runs. */
import type { Answer } from "../src/answers/answer-cache.js";
import type { EvaluatedTask, Evaluation, Outcome } from "../src/evaluation/run.js";

/**
 * The methods of evaluations that differ in their seed alone, each question's grade and cost the mean over the seeds.
 * Intervals are then of the questions; how far one sample strays is averaged out.
 */
export function meanOverSeeds(evaluations: readonly Evaluation[]): Pick<Evaluation, "contenders" | "tasks"> {
  const [first] = evaluations;
  const places = first.contenders.flatMap(({ kind }, place) => (kind === "method" ? [place] : []));
  const tasks = first.tasks.map(({ task, outcomes }, index) => ({
    task,
    outcomes: outcomes.map((_, question) =>
      places.map((place) => meanOutcome(evaluations.map(({ tasks }) => tasks[index].outcomes[question][place]))),
    ),
  }));
  return { contenders: places.map((place) => first.contenders[place]), tasks };
}

function meanOutcome(outcomes: readonly Outcome[]): Outcome {
  const answers = outcomes.flatMap(({ answer }) => answer ?? []);
  const grade = mean(outcomes.map((outcome) => outcome.grade));
  if (answers.length === 0) return { ...outcomes[0], grade };
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
  const together = ({ task, outcomes }: EvaluatedTask, index: number): EvaluatedTask => ({
    task,
    outcomes: outcomes.map((all, question) => [...all, ...tasks[index].outcomes[question]]),
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

/**
 * Which models to combine: the first step of UniTE, "determine, then ensemble" (arXiv 2410.03777), on a development set.
 *
 *     chosen = {best};   then, by falling grade, every model i with
 *         grade(best) − grade(i) ≤ maxGap      and      max(ℓ_i, ℓ_best) / min(ℓ_i, ℓ_best) ≤ maxLengthRatio
 *
 * until there are `most`. A grade is the mean over all questions, 0 … 1; ℓ is the mean length of a model's answers in
 * characters, plus 1, the measure of its response style. The paper finds that members of unlike strength or style harm each
 * other, and that the size of a vocabulary does not matter.
 *
 * The gap of 10 points is the paper's; from secondary reports, that it is in points and not relative [unverified]. That
 * style is compared by length, and the factor of 2, are from memory [unverified]; that the best model is what all others
 * are compared with is ours. Where choices are scored, models write nothing, and their styles are not compared.
 */
import { chooseNames, type LoadProgress } from "../ensemble/load-options.js";
import { LlamafuseError } from "../errors.js";
import { type Interval, meanInterval } from "../statistics.js";
import { type EvaluatedTask, type EvaluateOptions, type EvaluationProgress, evaluate } from "./run.js";

/** What a choice depends on. */
export interface Candidate {
  name: string;
  /** Mean grade, 0 … 1. */
  grade: number;
  /** Mean characters of an answer; null where it wrote none. */
  length: number | null;
}

export interface DetermineRule {
  /** Difference of grades to the best model at most, 0 … 1. Default 0.1. */
  maxGap?: number;
  /** Ratio of lengths to the best model's, or the inverse, at most. Default 2. */
  maxLengthRatio?: number;
  /** Models to combine at most. Default: all that are compatible. */
  most?: number;
}

/** Why a model is chosen (`best`, `compatible`) or not: too weak, answers of another style, or enough are chosen. */
export type Reason = "best" | "compatible" | "gap" | "style" | "most";

/** What determining makes of one candidate. */
export interface Standing {
  isChosen: boolean;
  reason: Reason;
  /** The best model's grade less its own. */
  gap: number;
  /** Of the longer mean answer to the shorter, the best model's and its own; null where there are none to compare. */
  lengthRatio: number | null;
}

const DEFAULT_GAP = 0.1;
const DEFAULT_LENGTH_RATIO = 2;
/** Differences of means that are equal but for rounding. */
const ROUNDING = 1e-9;

/** The standing of each candidate, in their order. Ties go to the first. Errors: invalid-option. */
export function chooseModels(candidates: readonly Candidate[], rule: DetermineRule = {}): Standing[] {
  const { maxGap = DEFAULT_GAP, maxLengthRatio = DEFAULT_LENGTH_RATIO, most = candidates.length } = rule;
  checkNumber("maxGap", maxGap, maxGap >= 0 && maxGap <= 1, "a number from 0 to 1");
  checkNumber("maxLengthRatio", maxLengthRatio, maxLengthRatio >= 1, "a number of at least 1");
  checkNumber("most", most, Number.isInteger(most) && most >= 1, "an integer of at least 1");
  const order = candidates.map((_, index) => index).sort((a, b) => candidates[b].grade - candidates[a].grade || a - b);
  const best = candidates[order[0]];
  const standings: Standing[] = [];
  let chosen = 0;
  for (const index of order) {
    const candidate = candidates[index];
    const gap = best.grade - candidate.grade;
    const lengthRatio = ratioOf(best.length, candidate.length);
    const reason = ((): Reason => {
      if (candidate === best) return "best";
      if (gap > maxGap + ROUNDING) return "gap";
      if (lengthRatio !== null && lengthRatio > maxLengthRatio) return "style";
      return chosen < most ? "compatible" : "most";
    })();
    const isChosen = reason === "best" || reason === "compatible";
    if (isChosen) chosen++;
    standings[index] = { isChosen, reason, gap, lengthRatio };
  }
  return standings;
}

/** One more character on both sides, so that an empty answer can be compared. */
function ratioOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : (Math.max(a, b) + 1) / (Math.min(a, b) + 1);
}

export interface DetermineOptions extends Omit<EvaluateOptions, "methods">, DetermineRule {}

export interface DeterminedModel extends Standing {
  name: string;
  model: string;
  /** The mean, with its 95 % bootstrap interval over the questions. */
  grade: Interval;
  length: number | null;
}

export interface Determination {
  /** Best first. */
  models: DeterminedModel[];
  /** Names of the models to combine, best first. */
  chosen: string[];
  /** Questions that each model was asked. */
  questions: number;
  settings: { tasks: string[]; seed: number; limit?: number } & Required<Omit<DetermineRule, "most">> &
    Pick<DetermineRule, "most">;
  notes: string[];
}

/**
 * Ask every model the tasks' questions and choose. The models are loaded one after another, so that there may be more of
 * them than fit into memory together; with a ledger, a stopped run continues. Errors: those of `evaluate`.
 *
 * ```ts
 * const { chosen } = await determine({ members: [{ model: "a.gguf" }, { model: "b.gguf" }], tasks: [await nativeTask()] });
 * ```
 */
export async function determine(options: DetermineOptions): Promise<Determination> {
  const { maxGap = DEFAULT_GAP, maxLengthRatio = DEFAULT_LENGTH_RATIO, most, ...asking } = options;
  const { members, seed = 0 } = asking;
  if (members.length < 2) {
    throw new LlamafuseError(
      "invalid-option",
      `Found ${members.length === 0 ? "no model" : "one model"} to choose from. Give at least two members.`,
      { option: "members", found: members.length, allowed: ">= 2" },
    );
  }
  const rule = { maxGap, maxLengthRatio, most };
  // Said before an hour of answers.
  chooseModels([{ name: "", grade: 0, length: null }], rule);
  const names = chooseNames(members);
  const candidates: (Candidate & { model: string; interval: Interval })[] = [];
  const notes: string[] = [];
  let questions = 0;
  for (const [index, member] of members.entries()) {
    const name = names[index];
    const evaluation = await evaluate({
      ...asking,
      members: [{ ...member, name, weight: 1 }],
      methods: [],
      onProgress: (progress: LoadProgress) => asking.onProgress?.(progress),
      onAnswer: ({ done, total, known }: EvaluationProgress) =>
        asking.onAnswer?.({ done: index * total + done, total: members.length * total, known }),
    });
    const graded = gradedAlone(evaluation.tasks);
    const interval = meanInterval(
      graded.map(({ grade }) => grade),
      { seed },
    );
    questions = graded.length;
    candidates.push({ name, model: member.model, grade: interval.value, interval, length: lengthOf(graded) });
    notes.push(...evaluation.notes.map((note) => `${name}: ${note}`));
  }
  const standings = chooseModels(candidates, rule);
  const models = candidates
    .map(({ name, model, interval, length }, index) => ({ name, model, grade: interval, length, ...standings[index] }))
    .sort((a, b) => b.grade.value - a.grade.value);
  return {
    models,
    chosen: models.filter(({ isChosen }) => isChosen).map(({ name }) => name),
    questions,
    settings: { tasks: asking.tasks.map(({ name }) => name), seed, limit: asking.limit, ...rule },
    notes,
  };
}

function gradedAlone(tasks: readonly EvaluatedTask[]) {
  return tasks.flatMap(({ graded }) => graded.map(([alone]) => alone));
}

/** Mean characters of the answers that were written. */
function lengthOf(graded: ReturnType<typeof gradedAlone>): number | null {
  const written = graded.flatMap(({ answer }) => (answer?.finishReason === undefined ? [] : [answer.text.trim()]));
  if (written.length === 0) return null;
  return written.reduce((sum, text) => sum + [...text].length, 0) / written.length;
}

function checkNumber(option: string, found: number, isAllowed: boolean, allowed: string): void {
  if (isAllowed) return;
  throw new LlamafuseError("invalid-option", `${option} is ${found}; allowed is ${allowed}.`, {
    option,
    found,
    allowed,
  });
}

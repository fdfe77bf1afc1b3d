/** What routers between a strong and a weak model share (RouteLLM, Hybrid-LLM). */
import { LlamafuseError } from "../../errors.js";
import { argmax } from "../../learning/matrix.js";
import type { Choice, Estimate, Knob } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";

/** Columns of the table. */
export interface ModelPair {
  strong: number;
  weak: number;
}

export interface PairOptions {
  /** Default: the model with the best mean quality. */
  strong?: string;
  /** Default: of the others the cheapest on average; without costs the one with the lowest mean quality. */
  weak?: string;
}

/** Errors: invalid-option for a model that the table does not have, or one named for both roles. */
export function pairOf(table: OutcomeTable, options: PairOptions): ModelPair {
  const quality = table.meansOf(table.quality);
  const cost = table.hasCosts ? table.meansOf(table.cost) : quality;
  const except = (values: Float64Array, model?: number) =>
    values.map((value, index) => (index === model ? Number.NaN : value));
  const weakGiven = options.weak === undefined ? undefined : table.column(options.weak);
  const strong = options.strong === undefined ? argmax(except(quality, weakGiven)) : table.column(options.strong);
  const cheapest = () => argmax(except(cost, strong).map((value) => -value));
  const weak = weakGiven ?? cheapest();
  if (strong !== weak) return { strong, weak };
  throw new LlamafuseError(
    "invalid-option",
    `${table.models[strong]} is named as both the strong and the weak model. Name two different models.`,
    { found: table.models[strong], option: "weak" },
  );
}

/**
 * The estimate of a pair router: `score` for the strong model, 1 − score for the weak one, 0 for models that take no part.
 */
export function pairQuality(models: number, { strong, weak }: ModelPair, score: number): Float64Array {
  const quality = new Float64Array(models);
  quality[strong] = score;
  quality[weak] = 1 - score;
  return quality;
}

/** RouteLLM's rule: the strong model where its score ≥ τ (default 0.5). */
export function choosePair({ quality }: Estimate, { threshold = 0.5 }: Knob, { strong, weak }: ModelPair): Choice {
  return { members: [quality[strong] >= threshold ? strong : weak] };
}

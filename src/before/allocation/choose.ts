/** Knobs: which are allowed, and the rules by which estimates become a choice. */
import { LlamafuseError, unknownName } from "../../errors.js";
import { shown } from "../../read-options.js";
import type { Choice, Estimate, Knob, KnobName, RouterInfo } from "../router.js";

const RANGES: Record<KnobName, { text: string; holds(value: number): boolean }> = {
  lambda: { text: "a number >= 0 (Infinity: the cheapest model)", holds: (value) => value >= 0 },
  threshold: { text: "a number", holds: (value) => !Number.isNaN(value) },
  budget: { text: "a number >= 0, in the table's unit of cost", holds: (value) => value >= 0 },
  preference: { text: "a number from 0 (cost alone) to 1 (quality alone)", holds: (value) => value >= 0 && value <= 1 },
};

/** What each knob does, for people (see `Knob`). */
export const KNOB_MEANINGS: Record<KnobName, string> = {
  lambda: "λ: maximise score − λ · cost, with the table's unit of cost",
  threshold: "the cheapest model with at least this score",
  budget: "the best model that costs at most this",
  preference: "weight of the score, 0 to 1; the rest weighs cost relative to the most expensive model",
};

/** The one knob that is set. Errors: invalid-option for two at once, one that is not this router's, a value out of range. */
export function theKnob(knob: Knob, { name: router, knobs }: RouterInfo): [KnobName, number] | undefined {
  const given = Object.entries(knob).filter(([, value]) => value !== undefined) as [KnobName, number][];
  if (given.length === 0) return undefined;
  const [name, value] = given[0];
  if (!(knobs as readonly string[]).includes(name)) throw unknownName(`knob of ${router}`, name, knobs);
  const refuse = (message: string, found: unknown, allowed: unknown) => {
    throw new LlamafuseError("invalid-option", message, { found, allowed, option: name });
  };
  if (given.length > 1) {
    const names = given.map(([each]) => each);
    refuse(`The knobs ${names.join(" and ")} are set at once. Set one of them.`, names, 1);
  }
  const { text, holds } = RANGES[name];
  if (typeof value !== "number" || !holds(value))
    refuse(`The knob ${name} is ${shown(value)}; it takes ${text}.`, value, text);
  return [name, value];
}

/** The rules of the contract (see `Knob`). Ties go to the cheaper model, then to the first. */
export function chooseByKnob(estimate: Estimate, knob: Knob): Choice {
  return { members: [chooseOne(estimate, knob)] };
}

function chooseOne({ quality, cost }: Estimate, { lambda, threshold, budget, preference }: Knob): number {
  if (lambda !== undefined) {
    if (lambda === Number.POSITIVE_INFINITY) return best(cost, (m) => -cost[m]);
    return best(cost, (m) => quality[m] - lambda * cost[m]);
  }
  if (preference !== undefined) {
    const dearest = Math.max(...cost) || 1;
    return best(cost, (m) => preference * quality[m] - ((1 - preference) * cost[m]) / dearest);
  }
  if (threshold !== undefined) {
    const cheapest = best(cost, (m) => (quality[m] >= threshold ? -cost[m] : Number.NEGATIVE_INFINITY));
    return quality[cheapest] >= threshold ? cheapest : best(cost, (m) => quality[m]);
  }
  if (budget !== undefined) {
    const chosen = best(cost, (m) => (cost[m] <= budget ? quality[m] : Number.NEGATIVE_INFINITY));
    if (cost[chosen] <= budget) return chosen;
    const least = Math.min(...cost);
    throw new LlamafuseError(
      "invalid-option",
      `The budget ${budget} is below the cheapest model's cost for this query, ${least}. Raise the budget, or add a cheaper model.`,
      { found: budget, allowed: `>= ${least}`, option: "budget" },
    );
  }
  return best(cost, (m) => quality[m]);
}

/** The model of the largest utility; ties to the cheaper one, then to the first. */
export function best(cost: Float64Array, utility: (model: number) => number): number {
  let chosen = 0;
  let highest = utility(0);
  for (let model = 1; model < cost.length; model++) {
    const value = utility(model);
    if (value > highest || (value === highest && cost[model] < cost[chosen])) {
      chosen = model;
      highest = value;
    }
  }
  return chosen;
}

/** q̂ − λ·ĉ of every model; −ĉ for λ = Infinity. */
export function worthAt({ quality, cost }: Estimate, lambda: number): Float64Array {
  const isFree = lambda === Number.POSITIVE_INFINITY;
  return quality.map((each, model) => (isFree ? -cost[model] : each - lambda * cost[model]));
}

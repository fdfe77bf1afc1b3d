/**
 * Cascade routing (Dekoninck, Baader and Vechev, "A Unified Approach to Routing and Cascading for LLMs", arXiv 2410.10347;
 * eth-sri/cascade-routing, cascade_router.py): of the sets M of models that hold those that have answered, the best is
 *
 *     argmax_M  E[max_{i∈M} q̂_i] − λ Σ_{i∈M} ĉ_i
 *
 * If it is what has answered, stop and keep the answer with the largest q̂; else ask the first of M that has not. A router
 * asks one model (argmax q̂ − λ ĉ); a cascade asks models in order and considers only how many more.
 *
 * A set is not extended where its last model adds less than it costs (the paper's lemma), and sets are built in the order of
 * the models. Ties are seen at 6 decimals. The cheaper set wins them, or with probability γ the dearer one.
 */

/** Of one query at one moment: what has answered has its estimate from after its answer. */
export interface SupermodelView {
  quality: ArrayLike<number>;
  cost: ArrayLike<number>;
  /** Columns, rising. */
  answered: readonly number[];
  /** E[max] of these models. */
  expectedMax(models: readonly number[]): number;
}

export interface SupermodelRule {
  lambda: number;
  /** Models are asked in their order, none is passed over. */
  cascade?: boolean;
  ties?: "cheapest" | "dearest";
}

const roundTies = (value: number) => Math.round(value * 1e6) / 1e6;

/** The model to ask next; undefined to stop. */
export function nextModel(view: SupermodelView, { lambda, cascade = false, ties = "cheapest" }: SupermodelRule) {
  const { answered, cost, quality } = view;
  let best: { added: readonly number[]; worth: number; cost: number } | undefined;
  let sets: { added: readonly number[]; parent: number }[] = [{ added: [], parent: 0 }];
  while (sets.length > 0) {
    const longer: typeof sets = [];
    for (const { added, parent } of sets) {
      const all = [...answered, ...added];
      const spent = all.reduce((sum, model) => sum + cost[model], 0);
      const gained = all.length === 0 ? -1e8 : view.expectedMax(all);
      const isHopeless = !cascade && added.length > 0 && all.length > 1;
      if (isHopeless && gained - parent - lambda * cost[added.at(-1)!] < 0) continue;
      if (all.length > 0) {
        const worth = roundTies(gained - lambda * spent);
        const isTie = best !== undefined && worth === best.worth;
        const winsTie = isTie && (ties === "cheapest" ? spent < best!.cost : spent > best!.cost);
        if (best === undefined || worth > best.worth || winsTie) best = { added, worth, cost: spent };
      }
      const last = all.at(-1) ?? -1;
      const end = cascade ? Math.min(last + 2, quality.length) : quality.length;
      for (let model = last + 1; model < end; model++) longer.push({ added: [...added, model], parent: gained });
    }
    sets = longer;
  }
  return best!.added[0] as number | undefined;
}

/** argmax q̂ − λ ĉ of one query, ties at 6 decimals. */
export function routeOne(
  { quality, cost }: Pick<SupermodelView, "quality" | "cost">,
  { lambda, ties = "cheapest" }: Pick<SupermodelRule, "lambda" | "ties">,
): number {
  let [best, worth] = [-1, Number.NEGATIVE_INFINITY];
  for (let model = 0; model < quality.length; model++) {
    const value = roundTies(quality[model] - lambda * cost[model]);
    const winsTie = value === worth && (ties === "cheapest" ? cost[model] < cost[best] : cost[model] > cost[best]);
    if (value > worth || winsTie) [best, worth] = [model, value];
  }
  return best;
}

export interface LambdaSearch {
  lambda: number;
  /** Whether the cost at λ is within the budget. */
  within: boolean;
  cost: number;
  quality: number;
}

/** Where doubling λ gives up. */
const LARGEST_LAMBDA = 1e10;

/** The least λ whose mean cost is within a budget: doubled from `start` until it is, then halved `rounds` times. */
export function searchLambda(
  run: (lambda: number) => { cost: number; quality: number },
  budget: number,
  { start = 10_000, rounds = 20 } = {},
): LambdaSearch {
  let low = 0;
  let high = start;
  while (high < LARGEST_LAMBDA && run(high).cost > budget) {
    low = high;
    high *= 2;
  }
  for (let round = 0; round < rounds; round++) {
    const middle = (low + high) / 2;
    if (run(middle).cost < budget) high = middle;
    else low = middle;
  }
  const { cost, quality } = run(high);
  return { lambda: high, within: cost <= budget, cost, quality };
}

/**
 * The share of ties that go to the dearer side so that the expected cost is the budget. The released router takes the
 * cheaper side's share for it and overspends.
 */
export function tieShare(cheap: number, dear: number, budget: number): number {
  return cheap === dear ? 0 : Math.min(1, Math.max(0, (budget - cheap) / (dear - cheap)));
}

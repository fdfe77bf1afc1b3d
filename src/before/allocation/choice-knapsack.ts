/**
 * The multiple-choice knapsack: one item of each class, as much value as a budget allows.
 *
 *     maximise Σ_i v_i,j(i)   subject to   Σ_i c_i,j(i) ≤ B
 *
 * Solved exactly, for thousands of classes in a fraction of a second, in three steps:
 *
 * 1. the linear relaxation: the upgrades on each class's concave hull, by falling Δv/Δc, until one does not fit. Its ratio
 *    is the price λ of a unit of cost, and L = Σ_i max_j (v_ij − λ c_ij) + λB bounds every choice from above;
 * 2. an item costs δ_ij = max_k (v_ik − λ c_ik) − (v_ij − λ c_ij) of that bound: where L − δ_ij does not exceed the best
 *    choice known, it is out (Dyer, Riha and Walker 1995). Few classes keep more than one item;
 * 3. dynamic programming over those, the closest calls first, on pairs (cost, value) of which none is worse in both
 *    (Pisinger, "A minimal algorithm for the multiple-choice knapsack problem", 1995), pruned by the same bound.
 *
 * Own code: npm has general integer solvers only, which are slower here by orders of magnitude and stop at a relative gap.
 */
import type { Matrix } from "../../learning/matrix.js";

export interface KnapsackChoice {
  /** The item of each class. */
  items: Int32Array;
  value: number;
  cost: number;
  /** No choice is worth more. Equal to `value` (to within rounding) where `isOptimal`. */
  bound: number;
  /** False where the search was cut off; see MOST_STATES. */
  isOptimal: boolean;
}

/** Pairs kept in all stages together: some 100 MB. Only instances built to be hard need as many. */
const MOST_STATES = 4_000_000;
/** Sums of costs are compared with this relative allowance, values with this one. */
const COST_ROUNDING = 1e-12;
const VALUE_ROUNDING = 1e-11;

/**
 * values, costs: classes × items; an item of value -Infinity cannot be chosen, and each class has one that can. Of items
 * that are equal in both, the first is taken. Undefined where even the cheapest choice exceeds the budget.
 */
export function chooseWithin(values: Matrix, costs: Matrix, budget: number): KnapsackChoice | undefined {
  const classes = Array.from({ length: values.shape[0] }, (_, index) => usefulItems(values, costs, index));
  const limit = budget + COST_ROUNDING * Math.max(1, Math.abs(budget));
  const cheapest = classes.reduce((sum, items) => sum + items[0].cost, 0);
  if (cheapest > limit) return undefined;
  const { levels, price, bound } = relax(classes, limit, cheapest);
  const solution = improve(classes, levels, price, bound, limit);
  const items = Int32Array.from(classes, (each, index) => each[solution.levels[index]].item);
  const value = classes.reduce((sum, each, index) => sum + each[solution.levels[index]].value, 0);
  const cost = classes.reduce((sum, each, index) => sum + each[solution.levels[index]].cost, 0);
  return { items, value, cost, bound: solution.isOptimal ? value : bound, isOptimal: solution.isOptimal };
}

interface Item {
  item: number;
  value: number;
  cost: number;
}

/** The items of a class that are worth their cost: by rising cost and rising value. */
function usefulItems(values: Matrix, costs: Matrix, index: number): Item[] {
  const width = values.shape[1];
  const items = Array.from({ length: width }, (_, item) => ({
    item,
    value: values.data[index * width + item],
    cost: costs.data[index * width + item],
  })).filter(({ value }) => value > Number.NEGATIVE_INFINITY);
  items.sort((a, b) => a.cost - b.cost || b.value - a.value || a.item - b.item);
  const useful: Item[] = [];
  for (const item of items) if (useful.length === 0 || item.value > useful.at(-1)!.value) useful.push(item);
  return useful;
}

/** The concave hull, as positions among a class's items. */
function hullOf(items: readonly Item[]): number[] {
  const hull: number[] = [];
  const ratio = (from: number, to: number) =>
    (items[to].value - items[from].value) / (items[to].cost - items[from].cost);
  for (let next = 0; next < items.length; next++) {
    while (hull.length > 1 && ratio(hull.at(-2)!, hull.at(-1)!) <= ratio(hull.at(-1)!, next)) hull.pop();
    hull.push(next);
  }
  return hull;
}

interface Relaxed {
  /** A choice within the budget, as positions among the classes' items. */
  levels: Int32Array;
  /** λ */
  price: number;
  /** L */
  bound: number;
}

function relax(classes: readonly (readonly Item[])[], limit: number, cheapest: number): Relaxed {
  const upgrades = classes.flatMap((items, index) => {
    const hull = hullOf(items);
    return hull.slice(1).map((to, step) => {
      const from = hull[step];
      const cost = items[to].cost - items[from].cost;
      const value = items[to].value - items[from].value;
      return { index, from, to, cost, value, ratio: value / cost };
    });
  });
  upgrades.sort((a, b) => b.ratio - a.ratio || a.index - b.index || a.from - b.from);
  const levels = new Int32Array(classes.length);
  let rest = limit - cheapest;
  let value = classes.reduce((sum, items) => sum + items[0].value, 0);
  let price = 0;
  let bound: number | undefined;
  for (const { index, from, to, cost, value: gain, ratio } of upgrades) {
    if (cost <= rest && levels[index] === from) {
      levels[index] = to;
      rest -= cost;
      value += gain;
    } else if (bound === undefined) {
      price = ratio;
      bound = value + ratio * rest;
    }
  }
  return { levels, price, bound: bound ?? value };
}

/** One stage of the dynamic programme: pairs by rising cost and value, and how each came about. */
interface Stage {
  cost: Float64Array;
  value: Float64Array;
  parent: Int32Array;
  level: Int32Array;
}

function improve(
  classes: readonly (readonly Item[])[],
  start: Int32Array,
  price: number,
  bound: number,
  limit: number,
): { levels: Int32Array; isOptimal: boolean } {
  const isWhole = classes.every((items) => items.every(({ value }) => Number.isInteger(value)));
  let best = classes.reduce((sum, items, index) => sum + items[start[index]].value, 0);
  /** The least value worth finding; values that are whole numbers rise by 1. */
  const wanted = () => (isWhole ? best + 1 - 1e-6 : best + VALUE_ROUNDING * Math.max(1, Math.abs(best)));
  if (bound < wanted()) return { levels: start, isOptimal: true };

  const reduced = classes.map((items) => items.map(({ value, cost }) => value - price * cost));
  const free = Int32Array.from(reduced, (each) => each.reduce((top, value, j) => (value > each[top] ? j : top), 0));
  const loss = (index: number, level: number) => reduced[index][free[index]] - reduced[index][level];
  const kept = (index: number) =>
    Array.from(classes[index].keys()).filter((level) => bound - loss(index, level) >= wanted());
  const closest = classes.map((items, index) =>
    items.reduce((least, _, level) => (level === free[index] ? least : Math.min(least, loss(index, level))), Infinity),
  );
  const core = Array.from(classes.keys())
    .filter((index) => bound - closest[index] >= wanted())
    .sort((a, b) => closest[a] - closest[b] || a - b);

  // What the rest adds where every class takes its item of largest v − λc.
  let restCost = classes.reduce((sum, items, index) => sum + items[free[index]].cost, 0);
  let restValue = classes.reduce((sum, items, index) => sum + items[free[index]].value, 0);
  const outside = new Set(core);
  let leastRest = 0;
  for (const [index, items] of classes.entries()) leastRest += items[outside.has(index) ? 0 : free[index]].cost;

  const stages: Stage[] = [single()];
  let found: { stage: number; pair: number } | undefined;
  let states = 0;
  let isOptimal = true;
  for (const index of core) {
    const levels = kept(index);
    // Since the core was sorted, a better choice may have left this class, and all behind it, without a second item.
    if (levels.length < 2) break;
    const items = classes[index];
    restCost -= items[free[index]].cost;
    restValue -= items[free[index]].value;
    leastRest -= items[0].cost;
    const stage = extend(stages.at(-1)!, items, levels, (cost, value) => {
      if (cost + leastRest > limit) return false;
      return value + restValue + price * (limit - cost - restCost) >= wanted();
    });
    for (let pair = 0; pair < stage.cost.length; pair++) {
      const value = stage.value[pair] + restValue;
      if (stage.cost[pair] + restCost > limit || value < wanted()) continue;
      best = value;
      found = { stage: stages.length, pair };
    }
    stages.push(stage);
    states += stage.cost.length;
    if (stage.cost.length === 0) break;
    if (states > MOST_STATES) {
      isOptimal = false;
      break;
    }
  }
  if (found === undefined) return { levels: start, isOptimal };
  const levels = Int32Array.from(free);
  for (let { stage, pair } = found; stage > 0; stage--) {
    levels[core[stage - 1]] = stages[stage].level[pair];
    pair = stages[stage].parent[pair];
  }
  return { levels, isOptimal };
}

function single(): Stage {
  return {
    cost: new Float64Array(1),
    value: new Float64Array(1),
    parent: new Int32Array([-1]),
    level: new Int32Array([-1]),
  };
}

/** Every pair with every item added; pairs that another pair matches or beats in both cost and quality are removed. */
function extend(
  before: Stage,
  items: readonly Item[],
  levels: readonly number[],
  holds: (cost: number, value: number) => boolean,
): Stage {
  const count = before.cost.length;
  const next = new Int32Array(levels.length);
  const cost = new Float64Array(count * levels.length);
  const value = new Float64Array(count * levels.length);
  const parent = new Int32Array(count * levels.length);
  const level = new Int32Array(count * levels.length);
  let size = 0;
  let highest = Number.NEGATIVE_INFINITY;
  // Merges the shifted lists, each of which rises in cost.
  for (let step = 0; step < count * levels.length; step++) {
    let chosen = -1;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let l = 0; l < levels.length; l++) {
      if (next[l] === count) continue;
      const c = before.cost[next[l]] + items[levels[l]].cost;
      const v = before.value[next[l]] + items[levels[l]].value;
      if (c < least || (c === least && v > most)) [chosen, least, most] = [l, c, v];
    }
    const from = next[chosen]++;
    if (most <= highest || !holds(least, most)) continue;
    cost[size] = least;
    value[size] = highest = most;
    parent[size] = from;
    level[size++] = levels[chosen];
  }
  return {
    cost: cost.slice(0, size),
    value: value.slice(0, size),
    parent: parent.slice(0, size),
    level: level.slice(0, size),
  };
}

/**
 * AutoMix's ways from a verifier's confidence v to "keep" or "retry with the large model" (Aggarwal, Madaan and others,
 * arXiv 2310.12963; automix-llm/automix, automix_methods.py and main.py). Bins are centred on 0, 1/b, …, 1.
 *
 *     threshold         retry where v ≤ t
 *     double-threshold  where t_1 ≤ v ≤ t_2, t < 1
 *     triple-threshold  where v ≤ t_1 or t_2 ≤ v ≤ t_3
 *     self-consistency  v ≤ 0.5
 *     pomdp-simple      P(category | bin) by counts; for r = 0 … 4999 retry the bins where Σ P · reward is larger for it:
 *                       keep [−r, 0, −r − 1], retry [−100, −100, −r − 100] for NEEDY, GOOD, HOPELESS. Despite its name one
 *                       step: the released code computes a belief and does not use it
 *     greedy-pomdp      bins by their mean gain, smoothed by a Gaussian of σ = 2; retry the best, the best two, …
 *     union             pomdp-simple, greedy-pomdp, double-threshold, threshold: the released default, "POMDP"
 *
 * Chosen is the candidate with the largest lift in incremental benefit per cost on the training rows, the first of equals:
 *
 *     lift = (slope − base) / base,  slope = (P − P_small) / (C − C_small),  base = (P_large − P_small) / (C_large − C_small)
 */
export const AUTOMIX_POLICIES = [
  "threshold",
  "double-threshold",
  "triple-threshold",
  "self-consistency",
  "pomdp-simple",
  "greedy-pomdp",
  "union",
] as const;

export type AutomixPolicy = (typeof AUTOMIX_POLICIES)[number];

/** NEEDY: the large model is better; GOOD: equal and not 0; HOPELESS: both within the lowest tenth. */
export type Category = "NEEDY" | "GOOD" | "HOPELESS" | "UNDEFINED";

export interface AutomixRows {
  small: ArrayLike<number>;
  large: ArrayLike<number>;
  verifier: ArrayLike<number>;
  category: readonly Category[];
}

/** One or more thresholds, or whether to retry, by bin. */
export type Candidate = { thresholds: number[] } | { actions: number[] };

export interface AutomixCosts {
  small: number;
  large: number;
  verifier: number;
}

export interface AutomixOutcome {
  candidate: Candidate;
  /** Which policy of the union it comes from. */
  source: AutomixPolicy;
  retry: boolean[];
  performance: number;
  /** A query's mean: the small model and its verifier always, the large one where asked. */
  cost: number;
  lift: number;
}

export interface BinOptions {
  bins: number;
  /** The released bin index, which floors a product of floats and meets the wrong bin unless `bins` is a power of two. */
  compat?: boolean;
}

const UNION: readonly AutomixPolicy[] = ["pomdp-simple", "greedy-pomdp", "double-threshold", "threshold"];
const REWARDS = 5000;
const SIGMA = 2;

/** Every candidate of a policy, in its order, with its outcome on the rows. */
export function automixOutcomes(
  policy: AutomixPolicy,
  rows: AutomixRows,
  costs: AutomixCosts,
  binning: BinOptions,
): AutomixOutcome[] {
  const sources = policy === "union" ? UNION : [policy];
  return sources.flatMap((source) =>
    candidatesOf(source, rows, binning).map((candidate) => {
      const retry = Array.from({ length: rows.small.length }, (_, row) =>
        retries(candidate, rows.verifier[row], binning),
      );
      return { candidate, source, retry, ...outcomeOf(rows, retry, costs) };
    }),
  );
}

/** The first of the largest lift; without a finite lift, as where both models are equally good, the cheapest. */
export function bestOutcome(outcomes: readonly AutomixOutcome[]): AutomixOutcome {
  const finite = outcomes.filter(({ lift }) => Number.isFinite(lift));
  if (finite.length === 0) return outcomes.reduce((best, each) => (each.cost < best.cost ? each : best));
  return finite.reduce((best, each) => (each.lift > best.lift ? each : best));
}

export function retries(candidate: Candidate, verifier: number, binning: BinOptions): boolean {
  if ("actions" in candidate) return candidate.actions[binOf(verifier, binning)] === 1;
  const [first, second, third] = candidate.thresholds;
  switch (candidate.thresholds.length) {
    case 1:
      return verifier <= first;
    case 2:
      return verifier >= first && verifier <= second;
    default:
      return (verifier >= 0 && verifier <= first) || (verifier >= second && verifier <= third);
  }
}

/** By quality; the tenth is linear between ranks. */
export function categoriesOf(small: ArrayLike<number>, large: ArrayLike<number>): Category[] {
  const [lowSmall, lowLarge] = [lowestTenth(small), lowestTenth(large)];
  return Array.from(small, (quality, row) => {
    if (quality <= lowSmall && large[row] <= lowLarge && large[row] <= quality) return "HOPELESS";
    if (large[row] > quality) return "NEEDY";
    return large[row] === quality && quality !== 0 ? "GOOD" : "UNDEFINED";
  });
}

function lowestTenth(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const place = 0.1 * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * (sorted[Math.ceil(place)] - sorted[below]);
}

function candidatesOf(policy: AutomixPolicy, rows: AutomixRows, binning: BinOptions): Candidate[] {
  const { bins } = binning;
  const gap = 1 / bins;
  const rising = (count: number, from = 0): number[][] =>
    count === 0
      ? [[]]
      : Array.from({ length: Math.max(0, bins - from) }, (_, step) => from + step).flatMap((step) =>
          rising(count - 1, step + 1).map((rest) => [step, ...rest]),
        );
  const thresholds = (steps: readonly number[][]) =>
    steps.map((each) => ({ thresholds: each.map((step) => step * gap) }));
  switch (policy) {
    case "threshold":
      return thresholds(Array.from({ length: bins + 1 }, (_, step) => [step]));
    case "double-threshold":
      return thresholds(rising(2));
    case "triple-threshold":
      return thresholds(rising(3));
    case "self-consistency":
      return [{ thresholds: [0.5] }];
    case "pomdp-simple":
      return byReward(rows, bins).map((actions) => ({ actions }));
    case "greedy-pomdp":
      return byGain(rows, bins).map((actions) => ({ actions }));
    case "union":
      return UNION.flatMap((each) => candidatesOf(each, rows, binning));
  }
}

/** Distinct actions by rising reward. */
function byReward({ verifier, category }: AutomixRows, bins: number): number[][] {
  const gap = 1 / bins;
  const shares = Array.from({ length: bins + 1 }, (_, bin) => {
    const within = category.filter((_, row) => Math.abs(verifier[row] - bin * gap) < gap / 2);
    const share = (name: Category) => within.filter((each) => each === name).length / Math.max(1, within.length);
    return [share("NEEDY"), share("GOOD"), share("HOPELESS")];
  });
  const distinct = new Map<string, number[]>();
  for (let reward = 0; reward < REWARDS; reward++) {
    const actions = shares.map(([needy, good, hopeless]) => {
      const keep = needy * -reward + hopeless * (-reward - 1);
      const retry = needy * -100 + good * -100 + hopeless * (-reward - 100);
      return Number(retry > keep);
    });
    if (!distinct.has(actions.join())) distinct.set(actions.join(), actions);
  }
  return Array.from(distinct.values());
}

/** The best bin, the best two, …; a bin's rows are those of v // gap. */
function byGain({ small, large, verifier }: AutomixRows, bins: number): number[][] {
  const gains = Array.from({ length: bins + 1 }, (_, bin) => {
    const rows = Array.from(verifier, (_, row) => row).filter((row) => floorDivided(verifier[row], 1 / bins) === bin);
    return rows.reduce((sum, row) => sum + large[row] - small[row], 0) / Math.max(1, rows.length);
  });
  const smoothed = gaussianSmoothed(gains, SIGMA);
  const order = smoothed.map((_, bin) => bin).sort((a, b) => smoothed[a] - smoothed[b]);
  const actions = new Array<number>(bins + 1).fill(0);
  return order.toReversed().map((bin) => {
    actions[bin] = 1;
    return [...actions];
  });
}

/** As scipy's gaussian_filter: cut off at 4 σ, mirrored at the edges with the edge repeated. */
function gaussianSmoothed(values: readonly number[], sigma: number): number[] {
  const radius = Math.floor(4 * sigma + 0.5);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, at) => Math.exp(-0.5 * ((at - radius) / sigma) ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const period = 2 * values.length;
  return values.map((_, centre) =>
    weights.reduce((sum, weight, at) => {
      const place = (((centre + at - radius) % period) + period) % period;
      return sum + (weight / total) * values[place < values.length ? place : period - 1 - place];
    }, 0),
  );
}

function binOf(verifier: number, { bins, compat = false }: BinOptions): number {
  if (!compat) return Math.min(bins, Math.max(0, Math.round(verifier * bins)));
  const gap = 1 / bins;
  for (let bin = 0; bin <= bins; bin++) {
    const distance = verifier - gap * bin;
    if (distance < gap / 2 && distance >= -gap / 2) return floorDivided(gap * bin, gap);
  }
  return bins;
}

/** Python's a // b of floats: the floor of the exact quotient, mostly. */
function floorDivided(a: number, b: number): number {
  const quotient = (a - (a % b)) / b;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function outcomeOf({ small, large }: AutomixRows, retry: readonly boolean[], costs: AutomixCosts) {
  const mean = (of: (row: number) => number) => retry.reduce((sum, _, row) => sum + of(row), 0) / retry.length;
  const performance = mean((row) => (retry[row] ? large[row] : small[row]));
  const cost = mean((row) => costs.small + (retry[row] ? costs.large : 0)) + costs.verifier;
  const [smallMean, largeMean] = [mean((row) => small[row]), mean((row) => large[row])];
  const base = (largeMean - smallMean) / (costs.large - costs.small);
  const slope = (performance - smallMean) / (cost - costs.small);
  return { performance, cost, lift: (slope - base) / base };
}

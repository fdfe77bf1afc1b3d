/**
 * Promises about errors that hold on new rows.
 *
 * Conformal risk control (Angelopoulos and others, arXiv 2208.02814) of 0/1 losses that grow with a threshold:
 *
 *     λ̂ = sup { λ : (Σ_i L_i(λ) + 1) / (n + 1) ≤ α }
 *
 * On exchangeable data the expected loss at λ̂ on a new row is at most α.
 *
 * Selection with a guarantee ("of the accepted answers at most α are wrong, with probability 1 − δ over the rows that chose
 * the threshold"): an answer is accepted where its score ≥ τ; of n accepted rows e are wrong, and the one-sided bound of
 * Clopper and Pearson (Biometrika 26, 1934) on the share of wrong ones is the u with P(Binomial(n, u) ≤ e) = δ.
 */

/**
 * breaks: b_i is where row i's loss becomes 1, L_i(λ) = 1[λ > b_i] (Infinity: never). The result is one of them, or
 * -Infinity where so few rows cannot promise α.
 */
export function riskControlledThreshold(breaks: ArrayLike<number>, alpha: number): number {
  const sorted = Float64Array.from(breaks).sort();
  const allowed = Math.floor(alpha * (sorted.length + 1) - 1 + 1e-12);
  if (allowed < 0) return Number.NEGATIVE_INFINITY;
  // At λ = b of rank r (from 0, first of its equals) the r rows below it are lost.
  return allowed >= sorted.length ? Number.POSITIVE_INFINITY : sorted[allowed];
}

/** Halvings of [0, 1], as many as a double can tell apart. */
const HALVINGS = 60;

/** The bound at confidence 1 − delta: the 1 − delta quantile of Beta(errors + 1, n − errors); 1 where all, or none, are seen. */
export function clopperPearsonUpper(errors: number, n: number, delta: number): number {
  if (n === 0 || errors >= n) return 1;
  const logChoices = new Float64Array(errors + 1);
  for (let k = 1; k <= errors; k++) logChoices[k] = logChoices[k - 1] + Math.log((n - k + 1) / k);
  let [low, high] = [errors / n, 1];
  for (let round = 0; round < HALVINGS; round++) {
    const middle = (low + high) / 2;
    const [logP, logQ] = [Math.log(middle), Math.log1p(-middle)];
    let atMost = 0;
    for (let k = 0; k <= errors; k++) atMost += Math.exp(logChoices[k] + k * logP + (n - k) * logQ);
    if (atMost > delta) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The least number of accepted rows, none of them wrong, that can promise α: the smallest n with (1 − α)^n ≤ δ. */
export function rowsNeeded(alpha: number, delta: number): number {
  return Math.max(1, Math.ceil(Math.log(delta) / Math.log1p(-alpha) - 1e-12));
}

export interface RiskRow {
  threshold: number;
  accepted: number;
  /** Among the accepted. */
  wrong: number;
  /** Clopper–Pearson at δ, and at δ over the number of thresholds. */
  upper: number;
  upperBonferroni: number;
  /** (wrong + 1) / (n + 1) with n all rows: bounds the chance that a new row is accepted and wrong. */
  risk: number;
}

export interface RiskSelection {
  /** `rowsNeeded`, and whether there are that many rows; neither looks at a label. */
  needed: number;
  feasible: boolean;
  rows: RiskRow[];
  /** The lowest threshold whose bound at δ / (number of thresholds) is ≤ α: whatever the thresholds' order. */
  bonferroni?: RiskRow;
  /** From the strictest down while the bound at δ is ≤ α, those with too few accepted rows skipped; the last that passed. */
  fixedSequence?: RiskRow;
  /** From the strictest down while risk ≤ α: bounds "accepted and wrong" on average, not with probability 1 − δ. */
  riskControl?: RiskRow;
}

/** `thresholds`: ascending, chosen without looking at the labels. */
export function selectUnderRisk(
  { scores, correct }: { scores: ArrayLike<number>; correct: ArrayLike<boolean> },
  thresholds: readonly number[],
  { alpha, delta }: { alpha: number; delta: number },
): RiskSelection {
  const n = scores.length;
  const needed = rowsNeeded(alpha, delta);
  const rows = thresholds.map((threshold) => {
    let [accepted, wrong] = [0, 0];
    for (let row = 0; row < n; row++) {
      if (!(scores[row] >= threshold)) continue;
      accepted++;
      if (!correct[row]) wrong++;
    }
    const bound = (share: number) => clopperPearsonUpper(wrong, accepted, share);
    const [upper, upperBonferroni] = [bound(delta), bound(delta / thresholds.length)];
    return { threshold, accepted, wrong, upper, upperBonferroni, risk: (wrong + 1) / (n + 1) };
  });
  const fromStrictest = rows.toReversed();
  const lastPassing = (tested: readonly RiskRow[], passes: (row: RiskRow) => boolean) => {
    const failure = tested.findIndex((row) => !passes(row));
    return tested[(failure < 0 ? tested.length : failure) - 1];
  };
  return {
    needed,
    feasible: n >= needed,
    rows,
    bonferroni: rows.find(({ upperBonferroni }) => upperBonferroni <= alpha),
    fixedSequence: lastPassing(
      fromStrictest.filter(({ accepted }) => accepted >= needed),
      ({ upper }) => upper <= alpha,
    ),
    riskControl: lastPassing(fromStrictest, ({ risk }) => risk <= alpha),
  };
}

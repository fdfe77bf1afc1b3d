/**
 * Conformal risk control (Angelopoulos and others, arXiv 2208.02814) of 0/1 losses that grow with a threshold:
 *
 *     λ̂ = sup { λ : (Σ_i L_i(λ) + 1) / (n + 1) ≤ α }
 *
 * On exchangeable data the expected loss at λ̂ on a new row is at most α.
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

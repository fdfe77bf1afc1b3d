/**
 * Contiguous tiers of ratings in falling order: of all ways to cut the list into `count` non-empty segments the one with
 * the smallest sum of population variances, by dynamic programming (RouteLLM's similarity-weighted ranking, arXiv
 * 2406.18665, released code). Ties go to the earliest last cut.
 */
import { LlamafuseError } from "../errors.js";

/** The tier (from 0, the highest) of each rating. Errors: invalid-option for more tiers than ratings. */
export function ratingTiers(ratings: readonly number[], count: number): number[] {
  if (!(Number.isInteger(count) && count >= 1 && count <= ratings.length)) {
    throw new LlamafuseError(
      "invalid-option",
      `${count} tiers of ${ratings.length} ratings; 1 to ${ratings.length} are possible.`,
      { found: count, allowed: `1 to ${ratings.length}`, option: "tiers" },
    );
  }
  const size = ratings.length;
  const variance = (from: number, to: number) => {
    const segment = ratings.slice(from, to + 1);
    const mean = segment.reduce((sum, rating) => sum + rating, 0) / segment.length;
    return segment.reduce((sum, rating) => sum + (rating - mean) ** 2, 0) / segment.length;
  };
  /** best[t][j]: ratings 0 … j in t + 1 tiers, of which the last begins at starts[t][j]. */
  const best = [Array.from(ratings, (_, last) => variance(0, last))];
  const starts = [new Array<number>(size).fill(0)];
  for (let tier = 1; tier < count; tier++) {
    best.push(new Array<number>(size).fill(Number.POSITIVE_INFINITY));
    starts.push(new Array<number>(size).fill(0));
    for (let last = tier; last < size; last++) {
      for (let start = tier; start <= last; start++) {
        const value = best[tier - 1][start - 1] + variance(start, last);
        if (value >= best[tier][last]) continue;
        best[tier][last] = value;
        starts[tier][last] = start;
      }
    }
  }
  const tiers = new Array<number>(size);
  for (let tier = count - 1, last = size - 1; tier >= 0; tier--) {
    const start = starts[tier][last];
    for (let index = start; index <= last; index++) tiers[index] = tier;
    last = start - 1;
  }
  return tiers;
}

/**
 * From pairwise comparisons to a ranking, as LLM-Blender's PairRanker aggregates them (Jiang et al., ACL 2023, arXiv
 * 2306.02561). M_ij > 0: candidate i, shown first, is better than j.
 *
 *     max-logits: mean_j (M_ij − M_ji);   max-wins: #{j: M_ij > 0} + #{j: M_ji < 0}
 *     bubble: one pass in which the better of two neighbours stays; 2 (c − 1) comparisons in place of c (c − 1)
 */

/** M_ij; `compare` is asked for i ≠ j. */
export type Compare = (i: number, j: number) => Promise<number>;

export function maxLogits(table: readonly (readonly number[])[]): number[] {
  return table.map((row, i) => row.reduce((sum, logit, j) => sum + logit - table[j][i], 0) / table.length);
}

export function maxWins(table: readonly (readonly number[])[]): number[] {
  return table.map((row, i) => row.filter((logit) => logit > 0).length + table.filter((other) => other[i] < 0).length);
}

/** 1 for the best; equal scores share the better rank. */
export function ranksOf(scores: readonly number[]): number[] {
  return scores.map((score) => 1 + scores.filter((other) => other > score).length);
}

export async function allPairs(count: number, compare: Compare): Promise<number[][]> {
  const table = Array.from({ length: count }, () => Array<number>(count).fill(0));
  for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) if (i !== j) table[i][j] = await compare(i, j);
  return table;
}

/** The candidate that stays, and for each when it was last ahead: later is better. An equal neighbour does not take its place. */
export async function bubble(count: number, compare: Compare): Promise<{ chosen: number; scores: number[] }> {
  const scores = Array<number>(count).fill(0);
  let chosen = 0;
  for (let next = 1; next < count; next++) {
    if ((await compare(chosen, next)) - (await compare(next, chosen)) < 0) chosen = next;
    scores[chosen] = next;
  }
  return { chosen, scores };
}

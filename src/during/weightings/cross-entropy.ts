/** How badly logits predict tokens. */

/** The mean over all places; 0 where there is none. */
export function crossEntropy(rows: readonly ArrayLike<number>[], targets: ArrayLike<number>): number {
  if (rows.length === 0) return 0;
  return rows.reduce((sum, row, place) => sum + loss(row, targets[place]), 0) / rows.length;
}

/** −ln softmax(logits)_target. */
export function loss(logits: ArrayLike<number>, target: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let entry = 0; entry < logits.length; entry++) if (logits[entry] > largest) largest = logits[entry];
  let sum = 0;
  for (let entry = 0; entry < logits.length; entry++) sum += Math.exp(logits[entry] - largest);
  return largest + Math.log(sum) - logits[target];
}

/**
 * Zero-sum games: the mixture w of rows that is best against every column,
 *
 *     max_w min_c Σ_i w_i A_ic,   w ≥ 0, Σ w = 1
 *
 * by the simplex method with Bland's rule on the column player's program.
 */

const TOLERANCE = 1e-12;

export function solveGame(payoffs: readonly (readonly number[])[]): { value: number; mixture: number[] } {
  const rows = payoffs.length;
  const columns = payoffs[0]?.length ?? 0;
  if (columns === 0) return { value: Number.POSITIVE_INFINITY, mixture: payoffs.map(() => 1 / rows) };
  // With all payoffs positive, the value is, and the program is: max Σ y, A y ≤ 1, y ≥ 0; the duals are w / value.
  const shift = 1 - Math.min(...payoffs.flat());
  const table = payoffs.map((row, i) => [
    ...row.map((payoff) => payoff + shift),
    ...payoffs.map((_, j) => (i === j ? 1 : 0)),
    1,
  ]);
  const goal = [...Array<number>(columns).fill(-1), ...Array<number>(rows).fill(0), 0];
  const basis = payoffs.map((_, i) => columns + i);
  for (;;) {
    const entering = goal.findIndex((cost, place) => place < columns + rows && cost < -TOLERANCE);
    if (entering < 0) break;
    let leaving = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const [i, row] of table.entries()) {
      if (row[entering] <= TOLERANCE) continue;
      const ratio = row.at(-1)! / row[entering];
      if (ratio < least - TOLERANCE || (ratio <= least + TOLERANCE && (leaving < 0 || basis[i] < basis[leaving]))) {
        [least, leaving] = [ratio, i];
      }
    }
    pivot(table, goal, leaving, entering);
    basis[leaving] = entering;
  }
  const total = goal.at(-1)!;
  const duals = payoffs.map((_, i) => goal[columns + i]);
  return { value: 1 / total - shift, mixture: duals.map((dual) => Math.max(0, dual) / total) };
}

function pivot(table: number[][], goal: number[], leaving: number, entering: number): void {
  const row = table[leaving];
  const by = row[entering];
  for (let place = 0; place < row.length; place++) row[place] /= by;
  for (const other of [...table, goal]) {
    if (other === row) continue;
    const factor = other[entering];
    if (factor === 0) continue;
    for (let place = 0; place < row.length; place++) other[place] -= factor * row[place];
  }
}

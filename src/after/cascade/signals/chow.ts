/**
 * Deferral between two models (Jitkrittum and others, "When Does Confidence-Based Cascade Deferral Suffice?",
 * arXiv 2307.02764). With h_1 the small and h_2 the large model and c the price of deferring:
 *
 *     Bayes rule   defer where P(h_2 right | x) − P(h_1 right | x) > c
 *     Chow's rule  defer where 1 − P(h_1 right | x) > c, the same where the large model is always right
 *
 * Confidence alone misleads where the large model is a specialist, where labels are noisy, and under a shift. By plug-in, the
 * large model's chance is its share of right answers among training rows of the query's group,
 *
 *     (right + s) / (rows + 2 s)        with smoothing s; of a group not in training: the mean over all rows
 */

export class GroupEstimate {
  private constructor(
    private readonly groups: ReadonlyMap<string, number>,
    private readonly mean: number,
  ) {}

  /** `quality` in [0, 1], NaN where unknown. */
  static fit(groups: readonly string[], quality: ArrayLike<number>, smoothing: number): GroupEstimate {
    const sums = new Map<string, { right: number; rows: number }>();
    let [right, rows] = [0, 0];
    for (const [row, group] of groups.entries()) {
      if (Number.isNaN(quality[row])) continue;
      right += quality[row];
      rows++;
      const sum = sums.get(group) ?? { right: 0, rows: 0 };
      sum.right += quality[row];
      sum.rows++;
      sums.set(group, sum);
    }
    const shares = Array.from(sums, ([group, { right, rows }]) => {
      return [group, (right + smoothing) / (rows + 2 * smoothing)] as const;
    });
    return new GroupEstimate(new Map(shares), right / rows);
  }

  estimate(group: string): number {
    return this.groups.get(group) ?? this.mean;
  }

  toJSON(): { groups: Record<string, number>; mean: number } {
    return { groups: Object.fromEntries(this.groups), mean: this.mean };
  }

  static restore({ groups, mean }: { groups: Record<string, number>; mean: number }): GroupEstimate {
    return new GroupEstimate(new Map(Object.entries(groups)), mean);
  }
}

/** What deferring these queries brings. */
export function deferralResult(
  defer: readonly boolean[],
  small: ArrayLike<number>,
  large: ArrayLike<number>,
  cost: number,
): { quality: number; net: number } {
  const count = defer.length;
  const quality = defer.reduce((sum, isDeferred, row) => sum + (isDeferred ? large[row] : small[row]), 0) / count;
  return { quality, net: quality - (cost * defer.filter(Boolean).length) / count };
}

export interface DeferralCurve {
  /** Queries in the order in which they are deferred: by falling score, ties to the lower index. */
  order: number[];
  /** Mean quality after 0, 1, … deferrals. */
  quality: number[];
  /** Under the curve over the share deferred, by trapezoids. */
  area: number;
}

export function deferralCurve(
  scores: ArrayLike<number>,
  small: ArrayLike<number>,
  large: ArrayLike<number>,
): DeferralCurve {
  const count = scores.length;
  const order = Array.from({ length: count }, (_, row) => row).sort((a, b) => scores[b] - scores[a] || a - b);
  let sum = Array.from(small).reduce((total, each) => total + each, 0);
  const quality = [sum / count, ...order.map((row) => (sum += large[row] - small[row]) / count)];
  const area = quality.slice(1).reduce((total, each, at) => total + (each + quality[at]) / 2, 0) / count;
  return { order, quality, area };
}

/**
 * Accuracy–cost curves of routers and what is read off them (RouterBench, arXiv 2403.12031; RouteLLM, arXiv 2406.18665).
 *
 * A router has an operating point for each setting of its knob. Mixing two settings at random reaches every point on the
 * line between them, so what a router can do is the concave hull of its points.
 */

export interface CurvePoint {
  cost: number;
  quality: number;
}

/** Qualities that differ by less are equal: a hull leaves out a dearer point of equal quality. */
const SAME_QUALITY = 1e-12;

/** The vertices of the upper concave hull by rising cost, up to the highest quality: what mixing can reach for the least. */
export function upperHull<Point extends CurvePoint>(points: readonly Point[]): Point[] {
  return hullOf(points, (quality, highest) => quality > highest + SAME_QUALITY);
}

/** The same with dearer points of equal quality, as RouterBench's code has it. */
const hullWithEqual = (points: readonly CurvePoint[]) => hullOf(points, (quality, highest) => quality >= highest);

function hullOf<Point extends CurvePoint>(
  points: readonly Point[],
  rises: (quality: number, highest: number) => boolean,
): Point[] {
  const sorted = points
    .filter(({ cost, quality }) => Number.isFinite(cost) && Number.isFinite(quality))
    .sort((a, b) => a.cost - b.cost || b.quality - a.quality);
  const hull: Point[] = [];
  for (const point of sorted) {
    const last = hull.at(-1);
    if (last !== undefined && (last.cost === point.cost || !rises(point.quality, last.quality))) continue;
    while (hull.length > 1 && isBelow(hull.at(-1)!, hull.at(-2)!, point)) hull.pop();
    hull.push(point);
  }
  return hull;
}

/** Whether b lies strictly below the line from a to c. */
function isBelow(b: CurvePoint, a: CurvePoint, c: CurvePoint): boolean {
  return (b.quality - a.quality) * (c.cost - a.cost) < (c.quality - a.quality) * (b.cost - a.cost);
}

/** The hull at a cost: linear between vertices, flat beyond the last; NaN below the first, where nothing can be had. */
export function hullAt(hull: readonly CurvePoint[], cost: number): number {
  const after = hull.findIndex((point) => point.cost >= cost);
  if (after < 0) return hull.at(-1)?.quality ?? Number.NaN;
  if (hull[after].cost === cost) return hull[after].quality;
  if (after === 0) return Number.NaN;
  const [a, b] = [hull[after - 1], hull[after]];
  return a.quality + ((cost - a.cost) / (b.cost - a.cost)) * (b.quality - a.quality);
}

/** RouterBench's non-decreasing hull: the hull at the cost of every point that it spans. */
export function nonDecreasingHull(points: readonly CurvePoint[]): CurvePoint[] {
  const hull = hullWithEqual(points);
  const last = hull.at(-1)?.cost ?? Number.NEGATIVE_INFINITY;
  const costs = Array.from(new Set(points.map(({ cost }) => cost)))
    .filter((cost) => cost <= last)
    .sort((a, b) => a - b);
  return costs.map((cost) => ({ cost, quality: hullAt(hull, cost) }));
}

/** The cost up to which RouterBench takes the AIQ of compared routers: the largest that any of their hulls reaches. */
export function largestCost(curves: readonly (readonly CurvePoint[])[]): number {
  return Math.max(...curves.map((points) => hullWithEqual(points).at(-1)?.cost ?? 0));
}

/**
 * RouterBench's average improvement in quality: the area under the non-decreasing hull, extended flat to `maxCost` or
 * cut off there,
 *
 *     AIQ = (1 / c_max) ∫ hull(c) dc       from the cheapest point to c_max
 *
 * divided by c_max as in the released code, so that the stretch below the cheapest point counts as 0. With `minCost` it is
 * divided by c_max − c_min, as the paper writes it (from memory, unverified). Where the two costs are equal the AIQ is the best quality.
 */
export function averageImprovement(points: readonly CurvePoint[], maxCost: number, minCost = 0): number {
  const hull = upperHull(points);
  if (hull.length === 0) return Number.NaN;
  if (maxCost <= minCost) return hull.at(-1)!.quality;
  const within = hull.filter(({ cost }) => cost < maxCost);
  if (within.length === 0) return 0;
  within.push({ cost: maxCost, quality: hullAt(hull, maxCost) });
  let area = 0;
  for (let i = 1; i < within.length; i++) {
    area += ((within[i].quality + within[i - 1].quality) / 2) * (within[i].cost - within[i - 1].cost);
  }
  return area / (maxCost - minCost);
}

/** Whether two costs are the same within rounding. */
export const isFlatRange = (from: number, to: number): boolean => to - from <= 1e-9 * Math.abs(to);

/**
 * The AIQ over a range of costs that does not depend on which routers are compared: from the cheapest single model's mean
 * cost to the dearest one's,
 *
 *     AIQ = 1 / (c_1 − c_0) ∫ hull(c) dc       from c_0 to c_1
 *
 * flat left of the hull's first point and right of its last. Every curve holds the cheapest model (`points` should too), which
 * any router can always choose. Where the two costs are equal the AIQ is the best quality. RouterBench's own is `averageImprovement`.
 */
export function averageQuality(points: readonly CurvePoint[], from: number, to: number): number {
  const hull = upperHull(points);
  if (hull.length === 0) return Number.NaN;
  if (isFlatRange(from, to)) return hull.at(-1)!.quality;
  const flat = (cost: number) => hullAt(hull, Math.max(cost, hull[0].cost));
  const corners = [from, ...hull.map(({ cost }) => cost).filter((cost) => cost > from && cost < to), to];
  let area = 0;
  for (let i = 1; i < corners.length; i++) {
    area += ((flat(corners[i]) + flat(corners[i - 1])) / 2) * (corners[i] - corners[i - 1]);
  }
  return area / (to - from);
}

/** Two settings and the share of queries that the second one gets. */
export interface Mixture<Point> {
  a: Point;
  b: Point;
  share: number;
}

/**
 * Which settings of a knob, mixed at random, give the best quality at a mean cost of `budget`: on the hull with
 * c_a ≤ B < c_b, b gets (B − c_a) / (c_b − c_a). Beyond the hull the last point alone. Undefined below the cheapest.
 */
export function mixForBudget<Point extends CurvePoint>(
  points: readonly Point[],
  budget: number,
): Mixture<Point> | undefined {
  const hull = upperHull(points);
  const below = hull.findLastIndex(({ cost }) => cost <= budget);
  if (below < 0) return undefined;
  const a = hull[below];
  const b = hull[below + 1] ?? a;
  return { a, b, share: a === b ? 0 : (budget - a.cost) / (b.cost - a.cost) };
}

/** The (1 − share) quantile of scores, linear between ranks: at or above it a `share` of calls is strong (RouteLLM). */
export function thresholdForShare(scores: readonly number[], share: number): number {
  const sorted = Float64Array.from(scores).sort();
  const place = (1 - share) * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * (sorted[Math.ceil(place)] - sorted[below]);
}

/** A weak and a strong model, and how much of the way from one to the other each point has gone (0 … 1 in cost). */
export interface SharePoint {
  /** Share of strong calls; of cost where there are more than two models. */
  share: number;
  quality: number;
}

/** A strong model that is not better than the weak one by more than this leaves no gap to recover shares of (ours). */
export const LEAST_GAP = 0.05;

/**
 * RouteLLM's APGR: the mean of (quality − weak) / (strong − weak) over the shares that the curve spans, by trapezoids; not
 * forced to 0 and 1 at the ends, as released. NaN without a gap (see `LEAST_GAP`).
 */
export function averageGapRecovered(points: readonly SharePoint[], weak: number, strong: number): number {
  const sorted = [...points].sort((a, b) => a.share - b.share || a.quality - b.quality);
  if (sorted.length === 0 || !(strong - weak > LEAST_GAP)) return Number.NaN;
  const width = sorted.at(-1)!.share - sorted[0].share;
  const recovered = (quality: number) => (quality - weak) / (strong - weak);
  if (width === 0) return recovered(Math.max(...sorted.map(({ quality }) => quality)));
  let area = 0;
  for (let i = 1; i < sorted.length; i++) {
    const mean = (recovered(sorted[i].quality) + recovered(sorted[i - 1].quality)) / 2;
    area += mean * (sorted[i].share - sorted[i - 1].share);
  }
  return area / width;
}

/**
 * RouteLLM's CPT(x): the smallest share of strong calls that reaches weak + x · (strong − weak), linear between points.
 * The released code interpolates a curve that may fall, which numpy leaves undefined; here the running maximum is taken.
 * NaN where the curve never gets there, or without a gap.
 */
export function callPerformance(points: readonly SharePoint[], weak: number, strong: number, x: number): number {
  if (!(strong - weak > LEAST_GAP)) return Number.NaN;
  const target = weak + x * (strong - weak);
  let best: SharePoint | undefined;
  for (const point of [...points].sort((a, b) => a.share - b.share || a.quality - b.quality)) {
    if (point.quality >= target) {
      if (best === undefined || point.quality === best.quality) return point.share;
      return best.share + ((target - best.quality) / (point.quality - best.quality)) * (point.share - best.share);
    }
    if (best === undefined || point.quality > best.quality) best = point;
  }
  return Number.NaN;
}

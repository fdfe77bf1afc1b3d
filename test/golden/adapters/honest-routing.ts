import { chooseByKnob } from "../../../src/before/allocation/choose.js";
import { averageQuality, type CurvePoint, upperHull } from "../../../src/before/evaluation/curve.js";
import { judgeTogether } from "../../../src/before/evaluation/verdict.js";
import { quantile } from "../../../src/statistics.js";
import type { GoldenAdapter } from "../adapter.js";

interface Half {
  quality: number[][];
  cost: number[][];
  /** [router][setting][query][model] */
  scores: number[][][][];
}

interface Input {
  halfA: Half;
  halfB: Half;
  lambdas: number[];
  resamples: number[][];
  alpha: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

export const honestRouting: GoldenAdapter = {
  method: "honest-routing",
  tolerance: 1e-9,
  run({ halfA, halfB, lambdas, resamples, alpha }: Input) {
    const models = halfA.cost[0].map((_, model) => model);
    const meanCosts = models.map((model) => mean(halfA.cost.map((row) => row[model])));
    const allOf = ({ quality }: Half) => quality.map((_, row) => row);
    const singles = ({ quality, cost }: Half, rows: readonly number[]) =>
      models.map((model) => ({
        quality: mean(rows.map((row) => quality[row][model])),
        cost: mean(rows.map((row) => cost[row][model])),
      }));
    const rangeOf = (half: Half) => {
      const costs = singles(half, allOf(half)).map(({ cost }) => cost);
      return [Math.min(...costs), Math.max(...costs)] as const;
    };
    const cheapestIn = (half: Half, rows: readonly number[]): CurvePoint => {
      const costs = singles(half, allOf(half)).map(({ cost }) => cost);
      return singles(half, rows)[costs.indexOf(Math.min(...costs))];
    };
    const curve = (half: Half, router: number, setting: number, rows: readonly number[]): CurvePoint[] => [
      cheapestIn(half, rows),
      ...lambdas.map((lambda) => {
        const chosen = rows.map((row) => {
          const quality = Float64Array.from(half.scores[router][setting][row]);
          return chooseByKnob({ quality, cost: Float64Array.from(meanCosts) }, { lambda }).members[0];
        });
        return {
          quality: mean(rows.map((row, at) => half.quality[row][chosen[at]])),
          cost: mean(rows.map((row, at) => half.cost[row][chosen[at]])),
        };
      }),
    ];
    const routers = halfA.scores.map((_, router) => router);
    const aiqA = routers.map((router) =>
      halfA.scores[router].map((_, setting) =>
        averageQuality(curve(halfA, router, setting, allOf(halfA)), ...rangeOf(halfA)),
      ),
    );
    const chosen = aiqA.map((areas) => areas.findIndex((area) => area >= Math.max(...areas) - 1e-12));
    const costRange = rangeOf(halfB);
    const scored = (rows: readonly number[]) => {
      const zeroHull = upperHull(singles(halfB, rows));
      const zero = averageQuality(singles(halfB, rows), ...costRange);
      const aiq = routers.map((router) => averageQuality(curve(halfB, router, chosen[router], rows), ...costRange));
      return { zeroHull, zero, aiq, differences: aiq.map((area) => area - zero) };
    };
    const whole = scored(allOf(halfB));
    const resampled = resamples.map((rows) => scored(rows).differences);
    const { maxQuantile, lowerBounds, better, maxAbsQuantile, intervals } = judgeTogether(
      whole.differences,
      resampled,
      alpha,
    );
    const pairs = (points: readonly CurvePoint[]) => points.map(({ cost, quality }) => [cost, quality]);
    return {
      meanCosts,
      aiqA,
      chosen,
      costRange,
      hulls: routers.map((router) => pairs(upperHull(curve(halfB, router, chosen[router], allOf(halfB))))),
      zeroHull: pairs(whole.zeroHull),
      aiqB: whole.aiq,
      zeroAiqB: whole.zero,
      differences: whole.differences,
      resampledDifferences: resampled,
      maxQuantile,
      lowerBounds,
      better,
      maxAbsQuantile,
      intervals,
      uncorrectedLower: routers.map((router) =>
        quantile(Float64Array.from(resampled, (sample) => sample[router]).sort(), alpha),
      ),
    };
  },
};

import { tokenFeatures } from "../../../src/after/cascade/signals/token-features.js";
import { LogisticRegression } from "../../../src/learning/logistic-regression.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  train?: { logProbs: number[]; defer: boolean }[];
  test: number[][];
  ridge: number;
  thresholds: number[];
  rates: number[];
}

export const quantileDeferral: GoldenAdapter = {
  method: "quantile-deferral",
  // Of coefficients and scores; features are exact to 1e-9, and compared at that by a test of their own.
  tolerance: 1e-5,
  run({ train, test, ridge, thresholds, rates }: Input) {
    const features = test.map(tokenFeatures);
    if (train === undefined) return { features };
    const x = matrixOf(train.map(({ logProbs }) => tokenFeatures(logProbs)));
    const y = train.map(({ defer }) => Number(defer));
    const model = LogisticRegression.fit(x, y, { ridge, tolerance: 1e-13 });
    const { bias, coefficients, scaler } = model.toJSON();
    const scores = features.map((each) => model.probability(each));
    const order = scores.map((_, at) => at).sort((a, b) => scores[b] - scores[a]);
    return {
      features,
      mean: scaler!.means,
      scale: scaler!.deviations.map((deviation) => (deviation < 1e-12 ? 1 : deviation)),
      intercept: bias,
      coefficients,
      scores,
      decisions: thresholds.map((threshold) => scores.map((score) => score >= threshold)),
      atRates: rates.map((rate) => order.slice(0, Math.floor(rate * scores.length)).sort((a, b) => a - b)),
    };
  },
};

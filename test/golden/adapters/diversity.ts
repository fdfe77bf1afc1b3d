import * as diversityOf from "../../../src/learning/diversity.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  nClasses: number;
  labels: number[];
  predictions: number[][];
}

export const diversity: GoldenAdapter = {
  method: "diversity",
  tolerance: 1e-9,
  run({ nClasses, labels, predictions }: Input) {
    const wrong = predictions.map((row) => row.map((each, sample) => each !== labels[sample]));
    const focal = diversityOf.focalDiversities(wrong);
    return {
      correlation: diversityOf.errorCorrelation(wrong),
      qStatistic: diversityOf.qStatistic(wrong),
      disagreement: diversityOf.disagreement(wrong),
      kappa: diversityOf.meanKappa(predictions),
      fleissKappa: diversityOf.fleissKappa(predictions, nClasses),
      entropy: diversityOf.errorEntropy(wrong),
      kw: diversityOf.kohaviWolpert(wrong),
      gd: diversityOf.generalisedDiversity(wrong),
      // The published function needs more samples than models.
      focal: focal.map((value, model) => (wrong[model].filter(Boolean).length > wrong.length ? value : null)),
    };
  },
};

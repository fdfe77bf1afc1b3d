import {
  CLASS_MEASURES,
  classConfidence,
  entropyOf,
  marginOf,
} from "../../../src/after/cascade/signals/class-confidence.js";
import { argmax } from "../../../src/learning/matrix.js";
import { softmax } from "../../../src/learning/softmax-regression.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  logits?: number[];
  probs?: number[];
  temperature?: number;
  thresholds: number[];
}

const NAMES = { "max-probability": "maxProb", margin: "margin", "distance-to-uniform": "dtu", entropy: "entropy" };

export const cascadeUncertainty: GoldenAdapter = {
  method: "cascade-uncertainty",
  tolerance: 1e-10,
  run({ logits, probs, temperature = 1, thresholds }: Input) {
    const probabilities = probs === undefined ? softmax(logits!, temperature) : Float64Array.from(probs);
    const entropy = entropyOf(probabilities);
    const confidence = Object.fromEntries(
      CLASS_MEASURES.map((measure) => [NAMES[measure], classConfidence(probabilities, measure)]),
    );
    return {
      ...confidence,
      argmax: argmax(probabilities),
      entropy,
      entropyBits: entropy / Math.LN2,
      normalisedEntropy: entropy / Math.log(probabilities.length),
      ...(logits !== undefined && { logitMargin: marginOf(logits) }),
      defer: Object.fromEntries(
        CLASS_MEASURES.map((measure) => {
          // The threshold of an entropy is on the entropy itself.
          const sign = measure === "entropy" ? -1 : 1;
          return [NAMES[measure], thresholds.map((threshold) => confidence[NAMES[measure]] < sign * threshold)];
        }),
      ),
    };
  },
};

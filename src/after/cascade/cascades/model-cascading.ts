/**
 * Model cascading: how sure a classifier is, by its class probabilities (Varshney and Baral, arXiv 2210.05528, from its
 * abstract and summaries; see signals/class-confidence.ts). No training but the threshold.
 *
 *     score = max p, or Σ p ln(p C), or the margin, or −entropy
 *
 * For generations the classes are the choices of a question: the model's probabilities of the choices' texts, normalised.
 */
import { z } from "zod";
import type { CascadeAnswer, CascadeInfo } from "../cascade.js";
import { ScoreCascade, type Scored } from "../fitting/score-cascade.js";
import { CLASS_MEASURES, classConfidence } from "../signals/class-confidence.js";
import { CHAIN_TEXT, chainShape, THRESHOLD_ENDS } from "./chain-options.js";

export const modelCascadingInfo: CascadeInfo = {
  name: "model-cascading",
  summary: "Keeps an answer of whose class the model is sure.",
  source: "arXiv 2210.05528",
  knobs: ["threshold"],
  needs: ["classProbabilities"],
  readsEmbedding: false,
  trainingFree: false,
  ends: THRESHOLD_ENDS,
  options: {
    measure: "max-probability, distance-to-uniform, margin, or entropy (negated). Default max-probability.",
    chain: CHAIN_TEXT,
  },
};

export const modelCascadingOptions = z.strictObject({
  measure: z.enum(CLASS_MEASURES).default("max-probability"),
  ...chainShape,
});

export class ModelCascading extends ScoreCascade {
  readonly info = modelCascadingInfo;
  readonly #settings: z.output<typeof modelCascadingOptions>;

  constructor(options: z.output<typeof modelCascadingOptions>) {
    super(options);
    this.#settings = options;
  }

  protected scoreOf({ classProbabilities }: CascadeAnswer): Scored {
    if (classProbabilities === undefined) return { score: Number.NaN };
    return { score: classConfidence(classProbabilities, this.#settings.measure) };
  }
}

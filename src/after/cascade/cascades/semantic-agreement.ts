/**
 * Semantic agreement: several answers that mean the same are kept, the one in their middle of all; else the next model is
 * asked (see signals/agreement.ts). Needs no training and no labels.
 *
 *     score = mean cosine over all pairs of samples;   kept: the medoid
 *
 * The paper compares answers of several small models; here they are samples of the model that is asked. Answers are compared by embeddings where they come with some; else by counts of their character trigrams (ours), which
 * tell whether texts are alike, not whether different words mean the same.
 */
import { z } from "zod";
import type { CallsPerAnswer, CascadeAnswer, CascadeInfo } from "../cascade.js";
import { ScoreCascade, type Scored } from "../fitting/score-cascade.js";
import { semanticAgreement } from "../signals/agreement.js";
import { trigramVectors } from "../signals/trigrams.js";
import { CHAIN_TEXT, chainShape, THRESHOLD_ENDS } from "./chain-options.js";

export const semanticAgreementInfo: CascadeInfo = {
  name: "semantic-agreement",
  summary: "Samples several answers and keeps their medoid where they agree; needs no training.",
  source: "arXiv 2509.21837",
  knobs: ["threshold"],
  needs: ["samples"],
  readsEmbedding: false,
  trainingFree: true,
  ends: THRESHOLD_ENDS,
  options: {
    samples: "How many answers of each model but the last, 2 or more. Default 3.",
    chain: CHAIN_TEXT,
  },
};

export const semanticAgreementOptions = z.strictObject({ samples: z.int().min(2).max(64).default(3), ...chainShape });

const UNTRAINED = 0.7;

export class SemanticAgreementCascade extends ScoreCascade {
  readonly info = semanticAgreementInfo;
  readonly #samples: number;

  constructor(options: z.output<typeof semanticAgreementOptions>) {
    super(options);
    this.#samples = options.samples;
  }

  override callsPerAnswer(model: number): CallsPerAnswer {
    return { samples: this.after(model) === undefined ? 1 : this.#samples, verifications: 0 };
  }

  protected override untrainedThreshold(): number {
    return UNTRAINED;
  }

  protected scoreOf({ samples, sampleEmbeddings }: CascadeAnswer): Scored {
    if (samples === undefined || samples.length < 2) return { score: Number.NaN };
    const asked = samples.slice(0, this.#samples);
    const { agreement, medoid } = semanticAgreement(sampleEmbeddings?.slice(0, this.#samples) ?? trigramVectors(asked));
    return { score: agreement, sample: medoid };
  }
}

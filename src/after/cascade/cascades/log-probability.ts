/**
 * Log-probability: the answer's own token log-probabilities say whether to keep it (Chow-Average, Chow-Sum and
 * Chow-Quantile-α of Gupta and others, arXiv 2404.10136; see signals/token-features.ts). Needs no training.
 *
 *     score = mean, sum or α-quantile of ln p_t over the tokens of the answer
 *
 * Without a fit, or a threshold, an answer is kept where the score is at least −0.5 (ours): at the mean, tokens of
 * probability 0.6 in the geometric mean.
 */
import { z } from "zod";
import type { CascadeAnswer, CascadeInfo } from "../cascade.js";
import { ScoreCascade, type Scored } from "../fitting/score-cascade.js";
import { TOKEN_MEASURES, tokenConfidence } from "../signals/token-features.js";
import { CHAIN_TEXT, chainShape, THRESHOLD_ENDS } from "./chain-options.js";

export const logProbabilityInfo: CascadeInfo = {
  name: "log-probability",
  summary: "Keeps an answer whose tokens the model found likely; needs no training.",
  source: "arXiv 2404.10136",
  knobs: ["threshold"],
  needs: ["logProbs"],
  readsEmbedding: false,
  trainingFree: true,
  ends: THRESHOLD_ENDS,
  options: {
    measure: "mean, sum, or quantile of the tokens' log-probabilities. Default mean.",
    alpha: "Which quantile, 0 to 1; 0 is the least likely token. Default 0.",
    chain: CHAIN_TEXT,
  },
};

export const logProbabilityOptions = z.strictObject({
  measure: z.enum(TOKEN_MEASURES).default("mean"),
  alpha: z.number().min(0).max(1).default(0),
  ...chainShape,
});

const UNTRAINED = -0.5;

export class LogProbabilityCascade extends ScoreCascade {
  readonly info = logProbabilityInfo;
  readonly #settings: z.output<typeof logProbabilityOptions>;

  constructor(options: z.output<typeof logProbabilityOptions>) {
    super(options);
    this.#settings = options;
  }

  protected override untrainedThreshold(): number {
    return UNTRAINED;
  }

  protected scoreOf({ logProbs }: CascadeAnswer): Scored {
    const { measure, alpha } = this.#settings;
    return { score: logProbs === undefined ? Number.NaN : tokenConfidence(logProbs, measure, alpha) };
  }
}

/**
 * Quantile deferral: a small model that has seen where the next model does better reads the quantiles of the answer's token
 * log-probabilities (Gupta and others, arXiv 2404.10136; see signals/token-features.ts).
 *
 *     target  y = 1 where the next model's quality is larger
 *     score   1 − P(y = 1 | 16 features), by a ridge logistic regression for each model of the chain but the last
 *
 * The paper's learner is a small network, and may read embeddings of both models as well; here it is linear in the features.
 */
import { z } from "zod";
import { LogisticRegression, savedLogistic } from "../../../learning/logistic-regression.js";
import { matrixOf } from "../../../learning/matrix.js";
import type { CascadeAnswer, CascadeFitData, CascadeInfo } from "../cascade.js";
import { ScoreCascade, type Scored } from "../fitting/score-cascade.js";
import { answersOf, sampleQuality } from "../fitting/table-answers.js";
import { TOKEN_FEATURES, tokenFeatures } from "../signals/token-features.js";
import { CHAIN_TEXT, chainShape, THRESHOLD_ENDS } from "./chain-options.js";

export const quantileDeferralInfo: CascadeInfo = {
  name: "quantile-deferral",
  summary: "Learns from token log-probabilities where the next model does better.",
  source: "arXiv 2404.10136",
  knobs: ["threshold"],
  needs: ["logProbs"],
  readsEmbedding: false,
  trainingFree: false,
  ends: THRESHOLD_ENDS,
  options: { ridge: "Penalty on the coefficients, above 0. Default 1.", chain: CHAIN_TEXT },
};

export const quantileDeferralOptions = z.strictObject({ ridge: z.number().positive().default(1), ...chainShape });

const learnedState = z.array(z.tuple([z.int().min(0), savedLogistic]));

export class QuantileDeferral extends ScoreCascade<z.infer<typeof learnedState>> {
  readonly info = quantileDeferralInfo;
  readonly #ridge: number;
  #regressions = new Map<number, LogisticRegression>();

  constructor(options: z.output<typeof quantileDeferralOptions>) {
    super(options);
    this.#ridge = options.ridge;
  }

  protected override learn({ table }: CascadeFitData): void {
    const answers = answersOf(table);
    const x = (model: number) =>
      matrixOf(answers.map((each) => tokenFeatures(each[model].logProbs ?? new Float64Array(TOKEN_FEATURES))));
    this.#regressions = new Map(
      this.order.slice(0, -1).map((model) => {
        const next = this.after(model)!;
        const label = answers.map((each, row) => {
          if (each[model].logProbs === undefined) return Number.NaN;
          const [own, other] = [model, next].map((column) => sampleQuality(table, row, column));
          return Number.isNaN(own) || Number.isNaN(other) ? Number.NaN : Number(other > own);
        });
        return [model, LogisticRegression.fit(x(model), label, { ridge: this.#ridge })] as const;
      }),
    );
  }

  protected scoreOf({ model, logProbs }: CascadeAnswer): Scored {
    const regression = this.#regressions.get(model);
    if (regression === undefined || logProbs === undefined) return { score: Number.NaN };
    return { score: 1 - regression.probability(tokenFeatures(logProbs)) };
  }

  protected override learned() {
    return Array.from(
      this.#regressions,
      ([model, regression]) => [model, regression.toJSON()] as [number, ReturnType<LogisticRegression["toJSON"]>],
    );
  }

  protected override restoreLearned(learned: unknown): void {
    const saved = learnedState.parse(learned);
    this.#regressions = new Map(saved.map(([model, each]) => [model, LogisticRegression.restore(each)]));
  }
}

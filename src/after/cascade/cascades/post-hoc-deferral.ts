/**
 * Post-hoc deferral: the own answer against what the next model would bring (Jitkrittum and others, arXiv 2307.02764; see
 * signals/chow.ts). With ĝ the expected gain of asking the next model, score = −ĝ, so that 0 keeps what is not worse.
 *
 *     group    ĝ = (the next model's share of right answers in the query's group) − (own chance): the plug-in Bayes rule
 *     diff-01  ĝ by ridge regression on the answer's features, target: quality of the next − own quality (their Diff-01)
 *     max-prob own chance alone, Chow's rule: ĝ = 1 − (own chance)
 *
 * The own chance is a logistic regression on the answer's features. In a longer chain each model looks one step ahead. Their
 * Diff-Prob, which compares both models' probabilities of the right class, needs the class's number and is not built.
 */
import { z } from "zod";
import { matrixOf } from "../../../learning/matrix.js";
import { RidgeRegression, savedRidge } from "../../../learning/ridge-regression.js";
import type { CascadeAnswer, CascadeFitData, CascadeInfo, CascadeQuery } from "../cascade.js";
import { AnswerFeatures, savedFeatures } from "../fitting/answer-features.js";
import { AnswerScorer, savedScorer } from "../fitting/answer-scorer.js";
import { ScoreCascade, type Scored } from "../fitting/score-cascade.js";
import { answersOf, queriesOf, sampleQuality } from "../fitting/table-answers.js";
import { GroupEstimate } from "../signals/chow.js";
import { CHAIN_TEXT, chainShape, THRESHOLD_ENDS } from "./chain-options.js";

export const postHocDeferralInfo: CascadeInfo = {
  name: "post-hoc-deferral",
  summary: "Defers where the next model is expected to do better than the answer at hand.",
  source: "arXiv 2307.02764",
  knobs: ["threshold"],
  needs: [],
  readsEmbedding: true,
  trainingFree: false,
  ends: THRESHOLD_ENDS,
  options: {
    head: "diff-01: learns the gain; group: compares with the next model's record on the subject; max-prob: own chance. Default diff-01.",
    smoothing: "Of the record on a subject: right answers and wrong ones added to it. Default 1.",
    ridge: "Penalty on the coefficients, above 0. Default 1.",
    chain: CHAIN_TEXT,
  },
};

export const postHocDeferralOptions = z.strictObject({
  head: z.enum(["diff-01", "group", "max-prob"]).default("diff-01"),
  smoothing: z.number().min(0).default(1),
  ridge: z.number().positive().default(1),
  ...chainShape,
});

const savedGroup = z.strictObject({ groups: z.record(z.string(), z.number()), mean: z.number() });
const learnedState = z.strictObject({
  own: savedScorer.optional(),
  groups: z.array(z.tuple([z.int().min(0), savedGroup])),
  gains: z.strictObject({ features: savedFeatures, models: z.array(z.tuple([z.int().min(0), savedRidge])) }).optional(),
});

/** Queries without a subject are one group. */
const NO_GROUP = "";

export class PostHocDeferral extends ScoreCascade<z.infer<typeof learnedState>> {
  readonly info = postHocDeferralInfo;
  readonly #settings: z.output<typeof postHocDeferralOptions>;
  #own: AnswerScorer | undefined;
  #groups = new Map<number, GroupEstimate>();
  #gains: { features: AnswerFeatures; models: Map<number, RidgeRegression> } | undefined;

  constructor(options: z.output<typeof postHocDeferralOptions>) {
    super(options);
    this.#settings = options;
  }

  protected override learn(data: CascadeFitData): void {
    const { head, smoothing, ridge } = this.#settings;
    const asked = this.order.slice(0, -1);
    const { table } = data;
    const [answers, queries] = [answersOf(table), queriesOf(data)];
    if (head !== "diff-01") {
      this.#own = AnswerScorer.fit(data, asked, { ridge });
      const groups = queries.map(({ group = NO_GROUP }) => group);
      const record = (model: number) => queries.map((_, row) => sampleQuality(table, row, model));
      this.#groups = new Map(
        asked.map((model) => [model, GroupEstimate.fit(groups, record(this.after(model)!), smoothing)]),
      );
      return;
    }
    const features = AnswerFeatures.fit(
      asked.flatMap((model) => queries.map((query, row) => [answers[row][model], query] as const)),
    );
    const models = asked.map((model) => {
      const x = matrixOf(queries.map((query, row) => features.of(answers[row][model], query)));
      const gain = queries.map((_, row) => [
        sampleQuality(table, row, this.after(model)!) - sampleQuality(table, row, model),
      ]);
      return [model, RidgeRegression.fit(x, matrixOf(gain), { ridge })] as const;
    });
    this.#gains = { features, models: new Map(models) };
  }

  protected scoreOf(answer: CascadeAnswer, query: CascadeQuery): Scored {
    const { model } = answer;
    if (this.after(model) === undefined) return { score: Number.NaN };
    if (this.#gains !== undefined) {
      const [gain] = this.#gains.models.get(model)!.predict(this.#gains.features.of(answer, query));
      return { score: -gain };
    }
    const own = this.#own!.probability(answer, query);
    const next = this.#settings.head === "max-prob" ? 1 : this.#groups.get(model)!.estimate(query.group ?? NO_GROUP);
    return { score: own - next };
  }

  protected override learned() {
    const gains = this.#gains && {
      features: this.#gains.features.toJSON(),
      models: Array.from(
        this.#gains.models,
        ([model, each]) => [model, each.toJSON()] as [number, z.infer<typeof savedRidge>],
      ),
    };
    return {
      ...(this.#own !== undefined && { own: this.#own.toJSON() }),
      groups: Array.from(
        this.#groups,
        ([model, each]) => [model, each.toJSON()] as [number, z.infer<typeof savedGroup>],
      ),
      ...(gains !== undefined && { gains }),
    };
  }

  protected override restoreLearned(learned: unknown): void {
    const { own, groups, gains } = learnedState.parse(learned);
    this.#own = own && AnswerScorer.restore(own);
    this.#groups = new Map(groups.map(([model, each]) => [model, GroupEstimate.restore(each)]));
    this.#gains = gains && {
      features: AnswerFeatures.restore(gains.features),
      models: new Map(gains.models.map(([model, each]) => [model, RidgeRegression.restore(each)])),
    };
  }
}

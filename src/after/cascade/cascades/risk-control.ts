/**
 * Risk control: "of the answers that a model keeps at most α are wrong, with probability 1 − δ" (Clopper and Pearson's bound;
 * see learning/risk-control.ts). A cascade whose threshold is not the best but one that keeps this promise.
 *
 *     score       mean log-probability, max-probability, a verifier's confidence, the share of equal samples, or learned on
 *                 half of the rows; the other half makes the promise
 *     thresholds  quantiles of the scores, chosen before a label is looked at; each model's promise has δ / (models − 1)
 *     sequence    from the strictest down while the bound is ≤ α; or Bonferroni over all thresholds
 *
 * Wrong is a quality below 0.5. A model that cannot keep the promise keeps no answer. With a `threshold` there is no promise.
 */
import { z } from "zod";
import { drawOrder } from "../../../learning/draws.js";
import { rowsNeeded, selectUnderRisk } from "../../../learning/risk-control.js";
import { RandomGenerator } from "../../../random.js";
import { quantile } from "../../../statistics.js";
import type {
  CascadeAnswer,
  CascadeFitData,
  CascadeInfo,
  CascadeQuery,
  CascadeState,
  CascadeStep,
  Knob,
} from "../cascade.js";
import { AnswerScorer, savedScorer } from "../fitting/answer-scorer.js";
import { ScoreCascade, type Scored } from "../fitting/score-cascade.js";
import { answersOf, queriesOf, sampleQuality } from "../fitting/table-answers.js";
import type { TrainingOptions } from "../fitting/trained-cascade.js";
import { classConfidence } from "../signals/class-confidence.js";
import { tokenConfidence } from "../signals/token-features.js";
import { majorityOf, voteOf } from "../signals/votes.js";
import { CHAIN_TEXT, chainShape, THRESHOLD_ENDS } from "./chain-options.js";
import { tooFewToPromise } from "./promises.js";

export const riskControlInfo: CascadeInfo = {
  name: "risk-control",
  summary: "Keeps answers so that at most a share of them is wrong, with a stated probability.",
  source: "Clopper and Pearson, Biometrika 26 (1934); arXiv 2110.01052",
  knobs: ["threshold"],
  needs: [],
  readsEmbedding: true,
  trainingFree: false,
  ends: THRESHOLD_ENDS,
  options: {
    alpha: "The share of kept answers that may be wrong, between 0 and 1. Default 0.1.",
    delta: "The chance that the promise fails, between 0 and 1. Default 0.1.",
    rule: "sequence, or bonferroni. Default sequence.",
    score: "learned, log-probability, max-probability, verifier, or votes. Default learned.",
    chain: CHAIN_TEXT,
  },
};

const SCORES = ["learned", "log-probability", "max-probability", "verifier", "votes"] as const;

export const riskControlOptions = z.strictObject({
  alpha: z.number().gt(0).lt(1).default(0.1),
  delta: z.number().gt(0).lt(1).default(0.1),
  rule: z.enum(["sequence", "bonferroni"]).default("sequence"),
  score: z.enum(SCORES).default("learned"),
  ...chainShape,
});

const savedThreshold = z.number().nullable();
const learnedState = z.strictObject({
  scorer: savedScorer.optional(),
  /** By model: the promised threshold; null where there is none. */
  promised: z.array(z.tuple([z.int().min(0), savedThreshold])),
});

/** Thresholds that a promise is looked for at. */
const LEVELS = 20;
const RIGHT = 0.5;

export class RiskControl extends ScoreCascade<z.infer<typeof learnedState>> {
  readonly info = riskControlInfo;
  readonly #settings: z.output<typeof riskControlOptions>;
  #scorer: AnswerScorer | undefined;
  #promised = new Map<number, number | null>();

  constructor(options: z.output<typeof riskControlOptions>) {
    super(options);
    this.#settings = options;
  }

  /** The threshold of each model that keeps the promise; null where none does. */
  get promised(): ReadonlyMap<string, number | null> {
    return new Map(Array.from(this.#promised, ([model, threshold]) => [this.nameOf(model), threshold]));
  }

  protected override learn(data: CascadeFitData, { seed }: TrainingOptions): void {
    const { alpha, delta, rule, score } = this.#settings;
    const { table } = data;
    const asked = this.order.slice(0, -1);
    const order = Array.from(drawOrder(new RandomGenerator(seed), table.rows));
    const middle = Math.ceil(order.length / 2);
    const isLearned = score === "learned" && asked.length > 0;
    this.#scorer = isLearned ? AnswerScorer.fit(data, asked, { rows: order.slice(0, middle) }) : undefined;
    const calibration = isLearned ? order.slice(middle) : order;
    const [answers, queries] = [answersOf(table), queriesOf(data)];
    const share = delta / Math.max(1, asked.length);
    const needed = rowsNeeded(alpha, share);
    this.#promised = new Map(
      asked.map((model) => {
        const rows = calibration.filter((row) => !Number.isNaN(sampleQuality(table, row, model)));
        if (rows.length < needed)
          throw tooFewToPromise(table.name, rows.length, needed, `α = ${alpha} and δ = ${share}`);
        const scores = rows.map((row) => this.score(answers[row][model], queries[row]).score);
        const correct = rows.map((row) => sampleQuality(table, row, model) >= RIGHT);
        const sorted = Float64Array.from(scores.filter((each) => !Number.isNaN(each))).sort();
        const levels = Array.from({ length: LEVELS }, (_, level) => quantile(sorted, level / LEVELS));
        const distinct = Array.from(new Set(levels.filter(Number.isFinite)));
        const found = selectUnderRisk({ scores, correct }, distinct, { alpha, delta: share });
        return [model, (rule === "sequence" ? found.fixedSequence : found.bonferroni)?.threshold ?? null] as const;
      }),
    );
  }

  protected override chooseThreshold(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected scoreOf(answer: CascadeAnswer, query: CascadeQuery): Scored {
    if (this.after(answer.model) === undefined) return { score: Number.NaN };
    const { logProbs, classProbabilities, verifier = Number.NaN, samples } = answer;
    switch (this.#settings.score) {
      case "learned":
        return { score: this.#scorer!.probability(answer, query) };
      case "log-probability":
        return { score: logProbs === undefined ? Number.NaN : tokenConfidence(logProbs, "mean") };
      case "max-probability":
        return {
          score: classProbabilities === undefined ? Number.NaN : classConfidence(classProbabilities, "max-probability"),
        };
      case "verifier":
        return { score: verifier };
      case "votes": {
        if (samples === undefined) return { score: Number.NaN };
        const { share, place } = majorityOf(samples.map(voteOf));
        return place < 0 ? { score: Number.NaN } : { score: share, sample: place };
      }
    }
  }

  protected override decide(state: CascadeState, knob: Knob): CascadeStep {
    const model = state.answers.at(-1)?.model;
    const promised = model === undefined ? undefined : this.#promised.get(model);
    if (knob.threshold !== undefined || promised === undefined) return super.decide(state, knob);
    return super.decide(state, { threshold: promised ?? Number.POSITIVE_INFINITY });
  }

  protected override learned() {
    const promised = Array.from(this.#promised) as [number, number | null][];
    return { ...(this.#scorer !== undefined && { scorer: this.#scorer.toJSON() }), promised };
  }

  protected override restoreLearned(learned: unknown): void {
    const { scorer, promised } = learnedState.parse(learned);
    this.#scorer = scorer && AnswerScorer.restore(scorer);
    this.#promised = new Map(promised);
  }
}
